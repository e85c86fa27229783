-- One atomic commit: everything, or nothing when somebody else has moved the fences in the meantime.
-- KEYS[1] the run's state hash; ARGV[1] the fences it must hold ('' for none yet); ARGV[2] MessagePack list of commands.
local fences = redis.call('HGET', KEYS[1], 'fences')
if (fences or '') ~= ARGV[1] then
  return 0
end
for _, command in ipairs(cmsgpack.unpack(ARGV[2])) do
  redis.call(unpack(command))
end
return 1
