tw_fuzz(tape tw_tools)
