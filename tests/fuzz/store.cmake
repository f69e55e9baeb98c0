tw_fuzz(directory tw_store)
