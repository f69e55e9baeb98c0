tw_fuzz(gateway tw_cores)
tw_fuzz(load tw_cores)
