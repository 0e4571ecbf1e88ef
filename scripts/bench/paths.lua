-- For wrk: asks for the paths of a file, one after the other ("path" or "path header value" a line); reports as JSON.
local asked, position = {}, 0

function init(args)
  for line in io.lines(args[1]) do
    local path, header, value = line:match("^(%S+)%s*(%S*)%s*(.*)$")
    local headers = {}
    if header ~= "" then headers[header] = value end
    asked[#asked + 1] = wrk.format("GET", path, headers)
  end
end

function request()
  position = position % #asked + 1
  return asked[position]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\nJSON {"requests": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f, "errors": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
