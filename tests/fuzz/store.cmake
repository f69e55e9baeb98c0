foreach(name directory packed wal)
  tw_fuzz(${name} tw_store)
endforeach()
