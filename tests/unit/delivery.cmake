# Deliveries: the core that decides, and what receivers are sent.
foreach(story delivery receivers)
  tw_test(${story} unit tw_cores)
endforeach()
