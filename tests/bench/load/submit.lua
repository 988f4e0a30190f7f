-- wrk script: one diary a request, each with an Idempotency-Key of its own, for any of the systems.
--   wrk -t1 -c64 -d11s -s submit.lua URL -- TOKEN SUBJECTS SECONDS SEED BODY_BYTES
-- It stops offering after SECONDS and lets every answer come in (wrk itself runs a second longer), so
-- that each 201 can be counted against a row. Ends with one JSON object on a line of its own.
-- Cheap by design: a request is one concatenation of pieces made beforehand.

local ffi = require("ffi")
ffi.cdef [[
typedef struct { long sec; long nsec; } bench_timespec;
int clock_gettime(int clock, bench_timespec *ts);
]]
local CLOCK_MONOTONIC = 1
local VARIANTS = 32

local now_ts = ffi.new("bench_timespec")
local function now_s()
    ffi.C.clock_gettime(CLOCK_MONOTONIC, now_ts)
    return tonumber(now_ts.sec) + tonumber(now_ts.nsec) * 1e-9
end

local threads = {}

function setup(thread)
    thread:set("thread_no", #threads)
    threads[#threads + 1] = thread
end

local WORDS = {
    "slept", "badly", "after", "the", "evening", "dose", "walked", "around", "garden", "twice",
    "headache", "until", "noon", "ate", "well", "no", "fever", "some", "dizziness", "when",
    "standing", "up", "felt", "better", "towards", "night", "nurse", "called", "at", "ten",
}

local function words_of(bytes, variant)
    local out, length, i = {}, 0, variant
    while length < bytes do
        i = i * 7 + 3
        local word = WORDS[i % #WORDS + 1]
        i = i % 100003
        out[#out + 1] = word
        length = length + #word + 1
    end
    return table.concat(out, " "):sub(1, bytes)
end

local NAUSEA = { "none", "mild", "moderate", "severe" }

-- All of the body that follows the subject, padded by the notes to body_bytes in all.
local function tail_of(variant, body_bytes, body_head)
    local function tail(notes)
        return string.format(
            '","questionnaire":"daily-diary","version":"1.0","submitAt":"2026-11-22T08:%02d:00+01:00",' ..
            '"answers":{"diaryDate":"2026-11-21","wokeAt":"2026-11-22T06:%02d:00+01:00","pain":%d,' ..
            '"fatigue":%d,"nausea":"%s","temperature":36.%d,"weight":%d.%d,"tookMedication":%s,' ..
            '"sleep":"%s","notes":"%s"}}',
            variant, variant, variant % 11, variant * 3 % 11, NAUSEA[variant % 4 + 1], variant % 10,
            60 + variant, variant % 10, variant % 5 == 0 and "false" or "true",
            words_of(60, variant + 40), notes)
    end
    return tail(words_of(body_bytes - #body_head - #"S000001" - #tail(""), variant))
end

local pieces, subjects = {}, {}
local key_tail, key_state, draw_state, deadline_s
local path_head, path_tail
requests, first_s, last_s = 0, 0, 0
local verified = false
s200, s201, s202, s4xx, s5xx, other = 0, 0, 0, 0, 0, 0

function init(args)
    local token, subject_count, seconds = args[1], tonumber(args[2]), tonumber(args[3])
    local seed, body_bytes = tonumber(args[4]), tonumber(args[5])
    local body_head = '{"subjectId":"'
    for i = 1, subject_count do
        subjects[i] = string.format("S%06d", i)
    end
    path_head = "POST /api/v1/subjects/"
    path_tail = "/questionnaires HTTP/1.1\r\nHost: " .. wrk.host .. ":" .. (wrk.port or 80) ..
        "\r\nAuthorization: Bearer " .. token .. "\r\nContent-Type: application/json\r\nIdempotency-Key: "
    -- A UUID is the state of a full-period generator mod 2^32 and a tail of run and thread: unique, and
    -- as scattered over the index as the random keys of real clients.
    key_tail = string.format("-%04x-4%03x-8%03x-%012x", seed % 65536, thread_no, 0, seed)
    key_state = seed % 4294967296
    draw_state = (seed * 31 + thread_no * 977) % 4294967296
    for v = 0, VARIANTS - 1 do
        local tail = tail_of(v, body_bytes, body_head)
        local length = #body_head + #"S000001" + #tail
        pieces[v] = {
            key_tail .. "\r\nContent-Length: " .. length .. "\r\n\r\n" .. body_head, tail
        }
    end
    first_s = now_s()
    deadline_s = first_s + seconds
end

function request()
    local now = now_s()
    if now >= deadline_s then
        return "" -- nothing is written: the connection stays quiet until wrk ends
    end
    key_state = (key_state * 1664525 + 1013904223) % 4294967296
    draw_state = (draw_state * 1664525 + 1013904223) % 4294967296
    local draw = math.floor(draw_state / 2048)
    local subject = subjects[draw % #subjects + 1]
    local piece = pieces[draw % VARIANTS]
    if verified or thread_no > 0 then
        requests = requests + 1
    end
    verified = true -- wrk looks at one request of the first thread before the run and throws it away
    return path_head .. subject .. path_tail .. string.format("%08x", key_state) .. piece[1] ..
        subject .. piece[2]
end

function response(status)
    if status == 201 then
        s201 = s201 + 1
    elseif status == 202 then
        s202 = s202 + 1
    elseif status == 200 then
        s200 = s200 + 1
    elseif status >= 500 then
        s5xx = s5xx + 1
    elseif status >= 400 then
        s4xx = s4xx + 1
    else
        other = other + 1
    end
    last_s = now_s()
end

function done(summary, latency)
    local total = { requests = 0, s200 = 0, s201 = 0, s202 = 0, s4xx = 0, s5xx = 0, other = 0 }
    local first, last = math.huge, 0
    for _, thread in ipairs(threads) do
        for name in pairs(total) do
            total[name] = total[name] + thread:get(name)
        end
        first = math.min(first, thread:get("first_s"))
        last = math.max(last, thread:get("last_s"))
    end
    local errors = summary.errors
    print(string.format(
        '{"requests":%d,"200":%d,"201":%d,"202":%d,"4xx":%d,"5xx":%d,"other":%d,"socket_errors":%d,' ..
        '"timeouts":%d,"duration_s":%.3f,"p50_ms":%.3f,"p99_ms":%.3f,"max_ms":%.3f}',
        total.requests, total.s200, total.s201, total.s202, total.s4xx, total.s5xx, total.other,
        errors.connect + errors.read + errors.write, errors.timeout, last - first,
        latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency.max / 1000))
end
