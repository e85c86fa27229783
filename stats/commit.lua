-- One atomic commit: everything, or nothing when somebody else has committed in the meantime, or when keys are lost.
-- KEYS[1] the run's state hash, KEYS[2] its sums, KEYS[3] its history; ARGV[1] the checksum the state must hold ('' for no
-- state yet), ARGV[2] how many fields the sums must have, ARGV[3] how many entries the history; then, for every command, the
-- number of its words and the words. Gives 1 when committed, 0 for another state, 2 for lost keys.
local held = redis.call('HGET', KEYS[1], 'checksum')
if (held or '') ~= ARGV[1] then
  return 0
end
if redis.call('HLEN', KEYS[2]) ~= tonumber(ARGV[2]) or redis.call('XLEN', KEYS[3]) ~= tonumber(ARGV[3]) then
  return 2
end
local i = 4
while i <= #ARGV do
  local words = tonumber(ARGV[i])
  redis.call(unpack(ARGV, i + 1, i + words))
  i = i + words + 1
end
return 1
