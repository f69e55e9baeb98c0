# The independent judge, held against scenes whose alerts were worked out by hand. Nothing of the product runs here.
if(NOT TW_SANITIZE AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
  tw_script_test(unit.oracle unit 120 oracle/test_judge.py)
endif()
