# Cores are pure. The proof has two halves: every object of the cores, cfg and protocol links into an executable with
# nothing beside it but xxhash, libcrypto, the C library and, of libm, sqrt, which is exact; and what they want of the C
# library does not reach the world.
add_executable(test_purity unit/purity/test_purity.c)
target_link_libraries(test_purity PRIVATE -Wl,--whole-archive $<TARGET_FILE:tw_cores> $<TARGET_FILE:tw_cfg>
                      $<TARGET_FILE:tw_protocol> -Wl,--no-whole-archive PkgConfig::XXHASH PkgConfig::CRYPTO m)
add_dependencies(test_purity tw_cores tw_cfg tw_protocol)
add_test(NAME unit.purity COMMAND test_purity WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
tw_test_properties(unit.purity unit 60)

tw_script_test(unit.purity_symbols unit 60 unit/purity/symbols.py cores=$<TARGET_FILE:tw_cores>
               cfg=$<TARGET_FILE:tw_cfg> protocol=$<TARGET_FILE:tw_protocol> control=$<TARGET_FILE:tw_actors>)
