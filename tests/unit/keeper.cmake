# The keeper's core, and the saver on a real lane with a core that is made up.
tw_test(keeper unit tw_cores)
tw_test(runtime_saver unit tw_actors)
