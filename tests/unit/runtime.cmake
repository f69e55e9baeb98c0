# What all shells share, on real sockets and threads.
foreach(part session lane agent)
  tw_test(runtime_${part} unit tw_actors)
endforeach()
