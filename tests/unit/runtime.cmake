# What all shells share, on real sockets and threads.
foreach(part session lane cell agent empty)
  tw_test(runtime_${part} unit tw_actors)
endforeach()
# The daemon's actors on a real store, with one of them stopped (runtime_world.h).
add_library(test_runtime_world STATIC unit/runtime_world.c)
target_link_libraries(test_runtime_world PUBLIC tw_actors PkgConfig::CMOCKA)
foreach(part stalled_router stalled_shards stalled_journal snapshots)
  tw_test(runtime_${part} unit test_runtime_world)
endforeach()
target_link_options(test_runtime_stalled_journal PRIVATE -Wl,--wrap=tw_store_append,--wrap=tw_store_put_alerts)
target_link_options(test_runtime_snapshots PRIVATE -Wl,--wrap=tw_store_snapshot_begin,--wrap=tw_store_snapshot_add
                    -Wl,--wrap=tw_store_snapshot_finish)
tw_test(runtime_catchup unit tw_actors test_store_world)
tw_test(shelf unit tw_actors test_store_world)
target_link_options(test_shelf PRIVATE -Wl,--wrap=tw_store_scratch_put)
tw_test(alert_batch unit tw_actors test_store_world)
target_link_options(test_alert_batch PRIVATE -Wl,--wrap=tw_store_put_alerts)
