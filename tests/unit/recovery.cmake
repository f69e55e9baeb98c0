# Which snapshot recovery begins with, and when it does not begin.
tw_test(recovery unit tw_cores tw_protocol)
