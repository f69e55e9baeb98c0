# The gateway's core, told as stories in a small world of its own (gateway_world.h).
add_library(test_gateway_world STATIC unit/gateway_world.c unit/gateway_log.c unit/gateway_play.c)
target_link_libraries(test_gateway_world PUBLIC tw_cores tw_protocol PkgConfig::CMOCKA)
if(TW_SANITIZE STREQUAL "thread")
  return() # pure cores on one thread: minutes in which TSan has nothing to find
endif()
tw_test(archive unit tw_cores)
tw_test(snapshot_judging unit test_gateway_world tw_cfg)
tw_test(answer_parts unit test_gateway_world tw_cfg)
foreach(story intake resends columns refusals incarnations acks clock busts feeds recovery random)
  tw_test(gateway_${story} unit test_gateway_world)
endforeach()
