#pragma once

#include <string>

namespace koi::train {

// The numeric address that this machine uses towards a host, as the system's routes have it; no
// packet is sent. Throws Error(io) where the host has no address or none can be reached.
std::string local_address_towards(const std::string& host);

// 127.0.0.0/8 or ::1, as numbers.
bool is_loopback(const std::string& address);

}  // namespace koi::train
