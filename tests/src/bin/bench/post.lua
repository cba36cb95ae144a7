-- Posts to every endpoint in turn, and prints what came of it on one line.
local requests = {}
local last = 0

function init()
    local headers = { ["TTL"] = os.getenv("BENCH_TTL"), ["Content-Encoding"] = "aes128gcm" }
    headers["Authorization"] = os.getenv("BENCH_AUTHORIZATION")
    local body = string.rep("x", tonumber(os.getenv("BENCH_BODY")))
    for path in io.lines(os.getenv("BENCH_PATHS")) do
        requests[#requests + 1] = wrk.format("POST", path, headers, body)
    end
end

function request()
    last = last % #requests + 1
    return requests[last]
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format(
        "figures: %d %d %d %d %d %d\n",
        summary.requests,
        summary.duration,
        errors.connect + errors.read + errors.write + errors.status + errors.timeout,
        latency:percentile(50),
        latency:percentile(99),
        latency.max
    ))
end
