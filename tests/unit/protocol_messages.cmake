# Submissions, acks, alerts, heads, catch-up, and the page that specifies them.
tw_test(submission unit tw_protocol)
tw_test(submission_trade unit tw_protocol)
tw_test(submission_columns unit tw_protocol)
tw_test(messages unit tw_protocol)
tw_test(action unit tw_protocol)
tw_test(wire_page unit tw_protocol)
