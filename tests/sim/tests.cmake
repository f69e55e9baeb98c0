# The simulation: the real cores under one seeded scheduler (sim/README.md).
file(GLOB sim_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/sim/*.c)
add_executable(sim ${sim_sources})
target_link_libraries(sim PRIVATE tw_cores tw_protocol PkgConfig::CRYPTO)

# The same with bugs to plant in the cores (actors/judging/planted.h).
get_target_property(core_sources tw_cores SOURCES)
add_library(tw_cores_planted STATIC ${core_sources})
target_compile_definitions(tw_cores_planted PUBLIC TW_PLANT)
target_link_libraries(tw_cores_planted PUBLIC tw_cfg tw_protocol m)
add_executable(sim_planted ${sim_sources})
target_link_libraries(sim_planted PRIVATE tw_cores_planted tw_protocol PkgConfig::CRYPTO)

# Other compilers and sanitizers need not prove again that it bites.
set(sim_seeds 1000)
set(sim_bugs
    ack_before_fsync
    position_in_another_batch
    empty_epoch_skipped
    alerts_renumbered
    window_off_by_one
    snapshot_without_scorer
    snapshot_forgets_busts
    ack_before_fence
    resend_of_another_incarnation
    bust_of_yesterday
    action_before_fsync
    action_number_reused
    action_means_what_came_later
    action_ticks
    answer_cut_short
    archive_looks_once
    archive_not_saved)
if(TW_SANITIZE)
  set(sim_seeds 40)
  set(sim_bugs)
elseif(NOT CMAKE_C_COMPILER_ID STREQUAL GNU)
  set(sim_seeds 100)
  set(sim_bugs)
endif()

add_test(NAME sim.seeds COMMAND sim --seeds 1 ${sim_seeds} --jobs 2)
tw_test_properties(sim.seeds sim 300) # a minute and a half of two processors that do nothing else
set_tests_properties(sim.seeds PROPERTIES PROCESSORS 2 COST 200)

# Each planted bug is caught within seeds that pass without it in the same library; each was within sixty.
foreach(bug ${sim_bugs})
  add_test(NAME sim.catches_${bug} COMMAND sim_planted --plant ${bug} --caught --seeds 1 100)
  tw_test_properties(sim.catches_${bug} sim 300)
endforeach()
if(sim_bugs)
  add_test(NAME sim.catches_nothing COMMAND sim_planted --seeds 1 100)
  tw_test_properties(sim.catches_nothing sim 300)
  tw_script_test(sim.reproduced sim 300 sim/test_reproduced.py)
  set_property(TEST sim.reproduced APPEND PROPERTY ENVIRONMENT "SIM_PLANTED=$<TARGET_FILE:sim_planted>")
endif()

# For hours: TW_SIM_SECONDS=3600 ninja soak
add_custom_target(soak COMMAND sh -c "exec $<TARGET_FILE:sim> --seconds \"$\${TW_SIM_SECONDS:-3600}\" --jobs 2" USES_TERMINAL
                  VERBATIM DEPENDS sim)
