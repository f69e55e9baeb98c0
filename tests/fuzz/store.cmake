tw_fuzz(directory tw_store)
tw_fuzz(packed tw_store)
