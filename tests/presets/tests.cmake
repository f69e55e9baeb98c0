# Where TW_ALL_PRESETS is on (tools/test), the builds by clang, under ASan+UBSan, under TSan and for fuzzing are tests of
# this build: one that builds, and one for each of its own labels. So one ctest, and one summary, says it all.
if(NOT TW_ALL_PRESETS)
  return()
endif()

# tw_preset(NAME scale target labels...): `scale` is how much of the long integration tests to run.
function(tw_preset name scale target)
  set(run ${CMAKE_CURRENT_SOURCE_DIR}/presets/preset)
  add_test(NAME ${name}.build COMMAND ${run} build ${name} ${target} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${name}.build PROPERTIES LABELS presets FIXTURES_SETUP preset_${name} TIMEOUT 900 PROCESSORS 64)
  foreach(label ${ARGN})
    add_test(NAME ${name}.${label} COMMAND ${run} test ${name} ${label} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(${name}.${label} PROPERTIES LABELS "presets;${label}" FIXTURES_REQUIRED preset_${name}
                         TIMEOUT 1800 COST 300 ENVIRONMENT "TW_PRESET_SCALE=${scale}")
  endforeach()
endfunction()

# Another compiler may judge otherwise, not speak otherwise to a socket.
tw_preset(clang 0.15 all unit golden sim judged)
tw_preset(asan 0.1 all unit golden sim integration)
# The stories and the simulation are one thread.
tw_preset(tsan 0.1 all unit integration)
tw_preset(fuzz 1 fuzz_targets fuzz-smoke)
