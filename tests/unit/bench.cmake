# How the benchmarks count how long things took.
tw_test(bench_waits unit)
target_sources(test_bench_waits PRIVATE bench/bench_common.c)
