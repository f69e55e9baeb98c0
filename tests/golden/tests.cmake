tw_test(stories golden tw_cores)
target_sources(test_stories PRIVATE golden/story.c)
