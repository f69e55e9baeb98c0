# The programs of the benchmarks are built with the tests and run by hand: tests/bench/run. None of them is a
# ctest, only what reads and sums up the figures.
add_library(bench_shared STATIC bench/bench_common.c bench/bench_flow.c bench/bench_line.c)
target_link_libraries(bench_shared PUBLIC tw_tools tw_protocol PkgConfig::ZMQ m)
foreach(name publisher subscriber echo)
  add_executable(bench_${name} bench/bench_${name}.c)
  target_link_libraries(bench_${name} PRIVATE bench_shared)
endforeach()
target_link_libraries(bench_echo PRIVATE PkgConfig::ROCKSDB)

tw_script_test(unit.bench_measure unit 60 bench/test_measure.py)
