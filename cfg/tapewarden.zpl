# SPDX-License-Identifier: MIT
#
# Tapewarden's configuration: every key at its default, so that nothing here needs to be set.
# Made by `tapewarden config sample`. The form is ZPL: 4 spaces for each level, `name = value`, a comment
# behind a # at the start of a line or after a space. Each key is also a variable of the environment
# (rules/velocity/window is TAPEWARDEN_RULES__VELOCITY__WINDOW) and a flag (--set rules/velocity/window=30).
# `tapewarden config check -c FILE` finds mistakes; `tapewarden config show` says what is in force and why.

# Where Tapewarden listens: tcp on loopback, or ipc. Anything else needs CURVE, which this build does not
# have.
bind
    # PULL socket that takes trades from publishers. (tcp://HOST:PORT on loopback, or ipc://PATH)
    trades = tcp://127.0.0.1:7701
    # PUB socket with durable watermarks and refusals. (tcp://HOST:PORT on loopback, or ipc://PATH)
    acks = tcp://127.0.0.1:7702
    # PUB socket with alerts and the answers to catch-up requests. (tcp://HOST:PORT on loopback, or
    # ipc://PATH)
    alerts = tcp://127.0.0.1:7703
    # PUB socket with accepted trades and exposures, sampled for eyes. (tcp://HOST:PORT on loopback, or
    # ipc://PATH)
    live = tcp://127.0.0.1:7704
    # PULL socket that takes catch-up requests. (tcp://HOST:PORT on loopback, or ipc://PATH)
    requests = tcp://127.0.0.1:7705
    # Not available in this build: Address of the HTTP API, console and metrics. (HOST:PORT)
    # http = 127.0.0.1:7780

# PUB feeds to connect to, one `name = endpoint` each. Lossy by nature: a gap in their sequence raises
# FEED_GAP.
feeds
    # Endpoint of the PUB feed of that name, to which a SUB socket connects. (tcp://HOST:PORT or ipc://PATH)
    # nyse = tcp://10.0.0.7:5556

# Where the log is kept.
data
    # Directory of the store; --data sets it too. (a path)
    directory = tapewarden-data

# How the work is spread. None of this can change a result.
pipeline
    # Shards that keep positions; 0 means one less than there are cores, at least 1. (0 to 64; threads)
    shards = 0
    # Most trades in one block. (1 to 8190; trades)
    block = 8190

# What is taken from publishers.
limits
    # A trade whose ts lies further ahead of its receipt is refused. (0 to 86400; seconds)
    future = 5
    # Most trades that one publisher may have under way beyond what is durable. (8190 to 16777216; trades)
    credit = 65536

# How exposures are measured.
exposure
    # What client and symbol exposure mean: the sum of absolute positions, the absolute sum, or the day's
    # turnover. (gross, net or turnover)
    measure = gross
    # Positions are re-marked by ticks at multiples of this; 0 stops re-marking. (0 to 86400; seconds)
    remark = 1
    # Reporting currency; trades that name no currency are in it. (3 to 8 of A-Z0-9)
    currency = USD

# What raises an alert. Thresholds take an exception for one name: `threshold@NAME = value`.
rules

    large_trade
        # Whether LARGE_TRADE is judged. (on or off)
        enabled = on
        # A trade of more than this fires LARGE_TRADE. (0 to 92233720368.54775807, at most 8 decimals; units)
        threshold = 10000
        # threshold@BRK.B = 10000   # for one symbol

    client_exposure
        # Whether HIGH_CLIENT_EXPOSURE is judged. (on or off)
        enabled = on
        # An account's exposure above this opens HIGH_CLIENT_EXPOSURE. (0 to 92233720368.54775807, at most 8
        # decimals; reporting currency)
        threshold = 1000000
        # threshold@desk-7 = 1000000   # for one account
        # Above this multiple the alert is CRITICAL; 0 for no such tier. (0, or 1.0001 to 1000, at most 4
        # decimals; times threshold)
        critical = 1.5
        # At or below this multiple the alert resolves. (0 to 1, at most 4 decimals; times threshold)
        rearm = 0.9

    symbol_exposure
        # Whether HIGH_SYMBOL_EXPOSURE is judged. (on or off)
        enabled = on
        # A symbol's exposure above this opens HIGH_SYMBOL_EXPOSURE. (0 to 92233720368.54775807, at most 8
        # decimals; reporting currency)
        threshold = 500000
        # threshold@BRK.B = 500000   # for one symbol
        # Above this multiple the alert is CRITICAL; 0 for no such tier. (0, or 1.0001 to 1000, at most 4
        # decimals; times threshold)
        critical = 1.5
        # At or below this multiple the alert resolves. (0 to 1, at most 4 decimals; times threshold)
        rearm = 0.9

    velocity
        # Whether HIGH_TRANSACTION_VELOCITY is judged. (on or off)
        enabled = on
        # More trades than this in the window open HIGH_TRANSACTION_VELOCITY. (0 to 1000000; trades)
        threshold = 10
        # threshold@desk-7 = 10   # for one account or symbol
        # Trades of the last so many seconds are counted. (1 to 86400; seconds)
        window = 60
        # At or below this multiple the alert resolves. (0 to 1, at most 4 decimals; times threshold)
        rearm = 0.9
        # Whether trades are counted by account. (on or off)
        client = on
        # Whether trades are counted by symbol. (on or off)
        symbol = off

    anomaly
        # Whether ANOMALY_DETECTED is judged. (on or off)
        enabled = on
        # Whose trades a trade is compared with: its symbol's, its account's in that symbol, or all. (symbol,
        # account or system)
        key = symbol
        # How many earlier trades make the statistics. (2 to 1000; trades)
        window = 100
        # With fewer earlier trades than this nothing is judged; at most the window. (2 to 1000; trades)
        minimum = 30
        # A trade further than this from the mean is a hit of severity MEDIUM. (0 to 1000, at most 3 decimals;
        # standard deviations)
        medium = 3
        # A trade further than this from the mean is a hit of severity HIGH; unless set, no less than medium.
        # (0 to 1000, at most 3 decimals; standard deviations)
        high = 4
        # An alert resolves when its last hit is this long ago. (0 to 86400; seconds)
        quiet = 60

# The session day: turnover and daily counts start anew when it rolls.
session
    # Time of day at which the session day rolls. (HH:MM from 00:00 to 23:59; local time)
    roll = 00:00
    # Time zone of the roll, by its IANA name. (an IANA name such as Europe/Berlin)
    zone = UTC

# What is said on standard error.
log
    # Least important messages that are written. (error, warning, info or debug)
    level = info
    # Whether each message is a JSON object. (on or off)
    json = off

# How the store works.
store
    # Trades that are indexed in one run behind the durable log. (1024 to 1048576; trades)
    index_run = 262144
    # A snapshot is taken when the daemon has worked so long (processor time): a start has no more than this
    # to do again; 0: not by work. (0, or 1 to 86400; seconds)
    snapshot_work = 5
    # Or after so many trades; 0: not by trades. (0, or 1 to 9223372036854775807; trades)
    snapshot_trades = 0
    # Or after so long, if anything is new; 0: not by time. (0, or 1 to 86400; seconds)
    snapshot_seconds = 600
    # Whole UTC days of event time older than this are dropped, by the newest trade's time; 0 keeps all. (0,
    # or 1 to 36500; days)
    retain_days = 0
    # While the data directory is larger, its oldest whole days are dropped, never the current one; 0 keeps
    # all. (0, or 1 to 9223372036854775807; bytes)
    retain_bytes = 0

# What is sampled for eyes.
live
    # Most messages on bind/live; 0 switches it off. (0 to 10000; messages per second)
    rate = 50

# How alerts are delivered to the receivers below. A receiver exists when its address is set.
delivery
    # One attempt takes no longer, from the name's look-up to the end of the answer. (1 to 300; seconds)
    timeout = 10
    # The wait after a first failure; it doubles with each, half of it is chance. (1 to 3600; seconds)
    retry_first = 1
    # The longest such wait, also between two looks at a receiver that seems dead. (1 to 86400; seconds)
    retry_max = 300
    # An alert that could not be delivered for so long becomes a dead letter. (1 to 2592000; seconds)
    deadline = 86400
    # After so many in a row a receiver is left alone, but for one attempt now and then. (1 to 1000; failures)
    breaker = 5
    # Attempts are kept in the ledger for so long. (1 to 3650; days)
    ledger_days = 30
    # Certificates (PEM) that receivers' servers are verified by, in place of the system's. (a path)
    # ca_file = ...

# What goes to whom: `receiver = severity`; the names are those of webhooks, and slack, pagerduty,
# alertmanager, sns, mail, file, command, syslog.
severity
    # Alerts of this severity and above go to the receiver of that name; without it, all do. (LOW, MEDIUM,
    # HIGH or CRITICAL)
    # ops = HIGH

# How many messages a receiver gets: `receiver = messages`, for webhooks of the standard form, slack and mail.
# What is too many goes as one digest.
limit
    # So many at once and as many again a minute; 0 for no limit. Without it 5 for slack and mail, none for
    # webhooks. (0, or 0 to 1000; messages a minute)
    # nyse = tcp://10.0.0.7:5556

# Which alerts go to whom, one `name` each with these keys; without any, all do, and so does what no route
# takes.
route

    # night
        # The route below which this one stands: it is asked about what that one takes. (1 to 32 of
        # A-Za-z0-9_-)
        # parent = desk
        # What it takes: all of these must hold, with =, !=, =~ or !~ behind type, severity, entity_type,
        # entity, rule, event or publisher; without it, everything. (matchers such as severity=CRITICAL
        # type=~HIGH_.*, spaces between)
        # match = severity=CRITICAL type=~HIGH_.*
        # When it takes anything, by the event's ts in the time zone of session/zone; without it, always.
        # (days and hours such as Mon-Fri 08:00-17:30, not 2026-12-25, commas between, at most 64)
        # hours = Mon-Fri 22:00-06:00, Sat-Sun
        # Who gets what it takes and no route below it does; none: nobody. Without it, those of its parent.
        # (names of receivers, spaces between)
        # receiver = pagerduty slack
        # What it takes and nobody has acknowledged, assigned or closed by then goes to escalate_to, too. (1
        # to 604800; seconds)
        # escalate_after = 900
        # Who is told then, and at once of what has grown in severity. (names of receivers, spaces between)
        # escalate_to = pagerduty slack
        # What it takes goes to slack, mail and standard webhooks in groups, one message for all that have
        # these labels in common; none: all that it takes. Without it, that of its parent, or each alert by
        # itself. (labels such as type entity, spaces between; all, or none)
        # group_by = entity_type entity
        # How long a group waits for others after its first alert; 30 unless set here or by its parent. (0 to
        # 86400; seconds)
        # group_wait = 900
        # So long after a group's message the next one goes at the earliest; 300 unless set here or by its
        # parent. (0 to 86400; seconds)
        # group_interval = 900
        # So long after it was told, what is open and nobody has taken is told again; 0, which is the default:
        # never. (0, or 1 to 2592000; seconds)
        # repeat_interval = 900
        # Whether the routes that follow it are asked, too; off unless set. (on or off)
        # continue = on

# Which alerts mute which, one `name` each with these keys: while an alert that `source` means holds, nobody
# is told of what `target` means.
inhibit

    # night
        # What is not set is as here. critical: a CRITICAL mutes the HIGH of the same entity. feed_gap: a
        # FEED_GAP mutes what trades of that publisher raise and the gap makes doubtful (all but LARGE_TRADE).
        # (critical or feed_gap)
        # preset = critical
        # The alerts that mute others as long as they are open, in matchers as routes have them. (matchers
        # such as severity=CRITICAL type=~HIGH_.*, spaces between)
        # source = severity=CRITICAL type=~HIGH_.*
        # The alerts that are muted. (matchers such as severity=CRITICAL type=~HIGH_.*, spaces between)
        # target = severity=CRITICAL type=~HIGH_.*
        # What both must have in common; without it, nothing. (labels such as type entity, spaces between;
        # all, or none)
        # equal = entity_type entity
        # How long a one-shot source (event=fire) holds, by the alerts' ts; 300 unless set. (1 to 604800;
        # seconds)
        # hold = 900

# Webhooks (Standard Webhooks), one `name = URL` each.
webhook
    # URL that receives each alert by POST. (http://HOST[:PORT]... or https://HOST[:PORT]...)
    # ops = https://ops.example.com/alerts

# Or files with these URLs.
webhook_file
    # File with webhook/* of that name in it. (a path)
    # ops = /etc/tapewarden/ops

# What webhooks are sent, under the same names.
webhook_form
    # The alert as it is, which is the default; or the form of Alertmanager's own webhooks (version 4).
    # (standard or alertmanager)
    # ops = alertmanager

# What webhooks are signed with, under the same names.
webhook_keys
    # Signing key `whsec_...`; of several, with spaces between, each makes a signature. (whsec_ and 24 to 64
    # bytes in base64; several with spaces between, at most 4)
    # ops = whsec_...

# Or files with these keys.
webhook_keys_file
    # File with webhook_keys/* of that name in it. (a path)
    # ops = /etc/tapewarden/ops

# Deliveries to Slack.
# slack
    # Incoming webhook that receives alerts. (http://HOST[:PORT]... or https://HOST[:PORT]...)
    # webhook_url = ...
    # File with slack/webhook_url in it. (a path)
    # webhook_url_file = ...
    # File with templates of the texts; without it, those that are built in. (a path)
    # template = ...

# Deliveries to PagerDuty (Events API v2).
pagerduty
    # Integration key of the service that alerts go to. (a text)
    # routing_key = ...
    # File with pagerduty/routing_key in it. (a path)
    # routing_key_file = ...
    # Where events are sent to; another one in the EU's region. (http://HOST[:PORT]... or
    # https://HOST[:PORT]...)
    url = https://events.pagerduty.com/v2/enqueue
    # File with templates of the texts; without it, those that are built in. (a path)
    # template = ...

# Deliveries to Prometheus' Alertmanager (API v2).
# alertmanager
    # Its address, such as http://localhost:9093, with the path that it stands behind, if any.
    # (http://HOST[:PORT]... or https://HOST[:PORT]...)
    # url = ...
    # File with alertmanager/url in it. (a path)
    # url_file = ...
    # File with templates of the annotations, for webhooks of that form, too; without it, those that are built
    # in. (a path)
    # template = ...

# Deliveries to a topic of Amazon SNS; needs aws/access_key_id and aws/secret_access_key.
# sns
    # Topic that alerts are published to: arn:aws:sns:REGION:ACCOUNT:NAME. (a text)
    # topic_arn = ...
    # Where to, if not to https://sns.REGION.amazonaws.com: scheme, host and port. (http://HOST[:PORT]... or
    # https://HOST[:PORT]...)
    # url = ...
    # File with templates of the texts; without it, those that are built in. (a path)
    # template = ...

# Deliveries by mail; to, from and server belong together.
mail
    # Sender of alert mails. (a mail address such as alerts@example.com)
    # from = ...
    # Receivers of alert mails. (mail addresses, commas between, at most 32)
    # to = ...
    # Name of the SMTP server. (a host's name or address)
    # server = ...
    # Port of the SMTP server. (1 to 65535)
    port = 587
    # Encryption: begun by STARTTLS (no mail goes without), from the first byte (port 465), or none.
    # (starttls, tls or none)
    tls = starttls
    # Name to log in with at the SMTP server. (a text)
    # username = ...
    # Password to log in with at the SMTP server. (a text)
    # password = ...
    # File with mail/password in it. (a path)
    # password_file = ...
    # File with templates of the texts; without it, those that are built in. (a path)
    # template = ...

# Deliveries into a file, a JSON object a line.
file
    # File that alerts are appended to. (a path)
    # path = ...
    # A larger file is renamed to PATH.1, the one before to PATH.2, and so on; 0: never. (0, or 4096 to
    # 9223372036854775807; bytes)
    rotate = 104857600
    # So many renamed files stay. (1 to 1000; files)
    kept = 10

# Deliveries to a program, which reads one alert as JSON from its standard input.
command
    # The program with its whole path, and its arguments; spaces separate, there is no shell. (a text)
    # argv = ...
    # A run that takes longer is killed, and tried again. (1 to 3600; seconds)
    timeout = 10

# Deliveries to a system log, as RFC 5424 has it.
syslog
    # Local socket such as /dev/log, or udp:ADDRESS:PORT or tcp:ADDRESS:PORT with an address, not a name. (a
    # text)
    # address = ...
    # Facility of the messages. (user, daemon, auth, authpriv, local0, local1, local2, local3, local4, local5,
    # local6 or local7)
    facility = local0
    # File with templates of the texts; without it, those that are built in. (a path)
    # template = ...

# Archive in S3.
# s3
    # Not available in this build: Bucket that receives closed segments of the log. (a text)
    # bucket = ...

# Access to AWS.
aws
    # Access key. (a text)
    # access_key_id = ...
    # File with aws/access_key_id in it. (a path)
    # access_key_id_file = ...
    # Secret of the access key. (a text)
    # secret_access_key = ...
    # File with aws/secret_access_key in it. (a path)
    # secret_access_key_file = ...
    # Token of a temporary access key. (a text)
    # session_token = ...
    # File with aws/session_token in it. (a path)
    # session_token_file = ...
    # Region where no address names one; the ARN of an SNS topic does, and counts. (a text)
    region = us-east-1

# Trades from an SQS queue.
# sqs
    # Not available in this build: Queue to read trades from. (a text)
    # queue_url = ...
