# Numbers, MessagePack, names, digests, frames, codes, and the records of the log with the page that specifies them.
tw_test(num unit tw_protocol)
tw_test(num_reference unit tw_protocol)
tw_test(pack unit tw_protocol PkgConfig::MSGPACK)
tw_test(names unit tw_protocol)
tw_test(basics unit tw_protocol)
