#include "koi/train/local_address.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "koi/base/error.h"

namespace koi::train {
namespace {

// The local end of a socket that is connected to `target`; empty where there is no route.
std::string local_end(const addrinfo& target) {
  const int descriptor = ::socket(target.ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return "";
  sockaddr_storage local{};
  socklen_t size = sizeof(local);
  char text[NI_MAXHOST] = "";
  auto* address = reinterpret_cast<sockaddr*>(&local);
  if (::connect(descriptor, target.ai_addr, target.ai_addrlen) == 0 &&
      ::getsockname(descriptor, address, &size) == 0) {
    ::getnameinfo(address, size, text, sizeof(text), nullptr, 0, NI_NUMERICHOST);
  }
  ::close(descriptor);
  return text;
}

}  // namespace

std::string local_address_towards(const std::string& host) {
  constexpr const char* kAnyPort = "9";  // a datagram socket needs one; nothing is sent
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* list = nullptr;
  const int status = ::getaddrinfo(host.c_str(), kAnyPort, &hints, &list);
  if (status != 0) {
    throw Error(ErrorKind::io, host, std::string("has no address (") + ::gai_strerror(status) + ")",
                "set MASTER_ADDR to the host of rank 0");
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, ::freeaddrinfo);
  for (const addrinfo* target = list; target != nullptr; target = target->ai_next) {
    const std::string address = local_end(*target);
    if (!address.empty()) return address;
  }
  throw Error(ErrorKind::io, host, std::string("cannot be reached (") + std::strerror(errno) + ")",
              "see to the network, or set MASTER_ADDR to another address of rank 0");
}

bool is_loopback(const std::string& address) {
  return address == "::1" || address.starts_with("127.");
}

}  // namespace koi::train
