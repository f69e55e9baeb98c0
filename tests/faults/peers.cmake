# Disks that get full, bad connections, slow peers, clocks that jump. README.md says what each test claims.
# tw_peer_test(NAME seconds [serial])
function(tw_peer_test name seconds)
  tw_script_test(faults.${name} faults ${seconds} faults/test_${name}.py)
  set_tests_properties(faults.${name} PROPERTIES COST ${seconds})
  if("serial" IN_LIST ARGN)
    set_tests_properties(faults.${name} PROPERTIES RUN_SERIAL ON)
  endif()
endfunction()

tw_peer_test(disk_full 300)
