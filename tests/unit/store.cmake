# The store on real disks: a data directory of its own for each test (store_world.h).
add_library(test_store_world STATIC unit/store_world.c unit/store_feed.c)
target_link_libraries(test_store_world PUBLIC tw_store tw_protocol PkgConfig::CMOCKA Threads::Threads)
foreach(story open log index crash alerts verify snapshot retain backup)
  tw_test(store_${story} unit test_store_world)
endforeach()
tw_test(store_export unit test_store_world)
target_sources(test_store_export PRIVATE ${PROJECT_SOURCE_DIR}/tools/store_export.c ${PROJECT_SOURCE_DIR}/tools/json_text.c)
tw_test(store_upgrade unit test_store_world tw_tools)
