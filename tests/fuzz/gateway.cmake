tw_fuzz(gateway tw_cores)
