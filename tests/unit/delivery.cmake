# Deliveries: matchers, who is told, the core that decides when, and what receivers are sent.
foreach(story delivery delivery_digests discretion receivers texts digest_texts picture matcher hours routing inhibition lifecycle silences)
  tw_test(${story} unit tw_cores)
endforeach()
target_link_options(test_matcher PRIVATE -Wl,--wrap=newlocale)
tw_one_thread(unit.inhibition)
tw_test(delivery_aside unit tw_actors)
tw_test(delivery_outbox unit tw_actors test_store_world)
tw_test(delivery_clocks unit tw_actors test_store_world)
