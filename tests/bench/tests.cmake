# Benchmarks are built with the tests and run by hand: tests/bench/run. None of them is a ctest.
foreach(name publisher subscriber)
  add_executable(bench_${name} bench/bench_${name}.c)
  target_link_libraries(bench_${name} PRIVATE tw_protocol PkgConfig::ZMQ m)
endforeach()
