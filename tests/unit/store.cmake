# The store on real disks: a data directory of its own for each test (store_world.h).
add_library(test_store_world STATIC unit/store_world.c unit/store_feed.c)
target_link_libraries(test_store_world PUBLIC tw_store tw_protocol PkgConfig::CMOCKA Threads::Threads)
foreach(story open log packed index crash alerts alert_ids actions muted groups deliveries verify snapshot retain backup)
  tw_test(store_${story} unit test_store_world)
endforeach()
target_link_options(test_store_retain PRIVATE -Wl,--wrap=rocksdb_create_iterator_cf)
if(NOT TW_SANITIZE) # it puts functions of its own in libc's place, as they do
  tw_test(store_failing_disk unit test_store_world)
  target_sources(test_store_failing_disk PRIVATE unit/failing_disk.c)
endif()
target_link_libraries(test_store_packed PRIVATE test_log_world)
tw_test(store_export unit test_store_world)
target_sources(test_store_export PRIVATE ${PROJECT_SOURCE_DIR}/tools/store_export.c ${PROJECT_SOURCE_DIR}/tools/csv.c)
tw_test(store_upgrade unit test_store_world tw_tools)
tw_test(ledger_pages unit test_store_world tw_tools)
tw_test(replay_verify unit test_store_world tw_tools)
tw_one_thread(unit.store_open unit.store_packed unit.store_alert_ids unit.store_verify unit.store_retain unit.store_upgrade
              unit.replay_verify)
