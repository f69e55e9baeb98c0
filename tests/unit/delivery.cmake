# Deliveries: the core.
tw_test(delivery unit tw_cores)
