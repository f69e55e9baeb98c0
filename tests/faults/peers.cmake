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
# Where nothing may be mounted ctest says that it was skipped, not that it passed.
set_tests_properties(faults.disk_full PROPERTIES SKIP_REGULAR_EXPRESSION "OK \\(skipped=")
tw_peer_test(proxy 300)
tw_peer_test(slow 240 serial)
tw_peer_test(clocks 240)

if(NOT TW_SANITIZE)
  add_library(tw_clock_shim MODULE faults/clock/clock.c)
  set_target_properties(tw_clock_shim PROPERTIES PREFIX "")
  set_property(TEST faults.clocks APPEND PROPERTY ENVIRONMENT "TW_CLOCK_SHIM=$<TARGET_FILE:tw_clock_shim>")
endif()
