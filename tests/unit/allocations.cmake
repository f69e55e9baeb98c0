# What the router remembers, and no allocation on the way of a trade: every call of ours is counted on its way to the C
# library.
tw_test(evidence unit tw_cores)
tw_test(velocity unit tw_cores)
tw_test(holdings unit tw_cores)
tw_test(allocations unit tw_tools)
target_link_options(test_allocations PRIVATE
                    -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=aligned_alloc,--wrap=posix_memalign)
