# Faults: kills, power loss, failing fsync, flipped bits, under the real daemon. README.md says what each test claims.
# Not under sanitizers: a preloaded library and their runtime do not go together, and the faults are in the disk's time.
if(TW_SANITIZE)
  return()
endif()

add_library(tw_fault_shim MODULE faults/shim/shim.c faults/shim/calls.c faults/shim/disk_files.c
                                 faults/shim/disk_names.c)
set_target_properties(tw_fault_shim PROPERTIES PREFIX "")
target_link_libraries(tw_fault_shim PRIVATE Threads::Threads ${CMAKE_DL_LIBS})
add_executable(tw_fault_victim faults/shim/victim.c)

# tw_fault_test(NAME seconds [serial])
function(tw_fault_test name seconds)
  tw_script_test(faults.${name} faults ${seconds} faults/test_${name}.py)
  set_property(TEST faults.${name} APPEND PROPERTY ENVIRONMENT "TW_FAULT_SHIM=$<TARGET_FILE:tw_fault_shim>"
               "TW_FAULT_VICTIM=$<TARGET_FILE:tw_fault_victim>")
  set_tests_properties(faults.${name} PROPERTIES COST ${seconds})
  if("serial" IN_LIST ARGN)
    set_tests_properties(faults.${name} PROPERTIES RUN_SERIAL ON)
  endif()
endfunction()

tw_fault_test(shim 60)
tw_fault_test(kill 400)
tw_fault_test(power 400)
tw_fault_test(eio 400)
tw_fault_test(flips 400)
tw_fault_test(sigterm 200 serial)
