foreach(name tape flow follow)
  tw_fuzz(${name} tw_tools)
endforeach()
