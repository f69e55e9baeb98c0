# The programs of the benchmarks are built with the tests and run by hand: tests/bench/run. None of them is a ctest; what
# is one is that no core takes more instructions than it did (instructions), and what reads and sums up the figures.
add_library(bench_shared STATIC bench/bench_common.c bench/bench_flow.c bench/bench_line.c)
target_link_libraries(bench_shared PUBLIC tw_tools tw_protocol PkgConfig::ZMQ m)
foreach(name publisher subscriber echo)
  add_executable(bench_${name} bench/bench_${name}.c)
  target_link_libraries(bench_${name} PRIVATE bench_shared)
endforeach()
target_link_libraries(bench_echo PRIVATE PkgConfig::ROCKSDB)
add_executable(bench_sink bench/bench_sink.c)
target_link_libraries(bench_sink PRIVATE bench_shared)
add_executable(bench_post bench/bench_post.c)
target_link_libraries(bench_post PRIVATE bench_shared PkgConfig::CURL)

tw_script_test(unit.bench_measure unit 60 bench/test_measure.py)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU" AND NOT TW_SANITIZE)
  tw_script_test(bench.instructions unit 300 bench/instructions --build ${CMAKE_BINARY_DIR})
  set_tests_properties(bench.instructions PROPERTIES SKIP_RETURN_CODE 77)
endif()
