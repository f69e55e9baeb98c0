foreach(check format whitespace licence size functions dependencies purity codes machines)
  tw_script_test(tidy.${check} tidy 120 tidy/tidy.py ${check})
endforeach()
tw_script_test(tidy.tidy_finds_what_it_looks_for tidy 60 tidy/test_tidy.py)
