# Cores and codec under valgrind's memcheck: reads of what was never written, which no sanitizer here sees, and leaks.
# What takes seconds by default; TW_VALGRIND_ALL has the long ones as well (-DTW_VALGRIND_ALL=ON). The store's tests and those of
# actors with threads are not here: RocksDB and libzmq under memcheck say little about us.
if(TW_SANITIZE OR NOT CMAKE_C_COMPILER_ID STREQUAL "GNU")
  return()
endif()
option(TW_VALGRIND_ALL "Run the long unit tests of cores, codec and configuration under valgrind too" OFF)
find_program(TW_VALGRIND NAMES valgrind REQUIRED)

set(quick num pack basics log log_bad log_shape submission submission_columns submission_trade messages names
    cfg_values cfg_zpl cfg_rules gateway_intake gateway_resends gateway_columns gateway_refusals gateway_incarnations
    gateway_acks gateway_clock gateway_busts gateway_feeds gateway_recovery client_flow client_follow tape tape_bad
    tape_forms stories holdings keeper recovery routing lifecycle silences delivery delivery_digests discretion receivers
    texts digest_texts picture matcher hours template sheet action cfg_receivers cfg_routes cfg_documents market)
set(slow num_reference log_page wire_page cfg_load cfg_environment gateway_strangers gateway_random client_flow_again
    evidence allocations velocity archive answer_parts inhibition snapshot_judging shelf alert_batch)
set(chosen ${quick})
if(TW_VALGRIND_ALL)
  list(APPEND chosen ${slow})
endif()
foreach(name ${chosen})
  add_test(NAME valgrind.${name}
           COMMAND ${TW_VALGRIND} --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite
                   --trace-children=no --child-silent-after-fork=yes $<TARGET_FILE:test_${name}>
           WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  tw_test_properties(valgrind.${name} valgrind 900)
endforeach()
