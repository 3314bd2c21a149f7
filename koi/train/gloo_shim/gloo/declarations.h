// The wheel's libtorch_cpu.so holds gloo, but the wheel lacks gloo's headers, which c10d's
// ProcessGroupGloo.hpp includes. These are the declarations that it needs to be compiled, written
// by koi for that and nothing else: the classes' insides are missing, so never make, copy or derive
// from one of them. c10d's own functions, compiled with the real headers, do all that.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace gloo {

class Algorithm;

class Context {
 public:
  void setTimeout(std::chrono::milliseconds timeout);
};

namespace transport {

class Device;

class UnboundBuffer {
 public:
  virtual ~UnboundBuffer();
};

}  // namespace transport

namespace rendezvous {

// c10d's inline GlooStore overrides these.
class Store {
 public:
  virtual ~Store();  // not inline: the class's table must be gloo's own
  virtual void set(const std::string& key, const std::vector<char>& data) = 0;
  virtual std::vector<char> get(const std::string& key) = 0;
  virtual void wait(const std::vector<std::string>& keys) = 0;
  virtual void wait(const std::vector<std::string>& keys,
                    const std::chrono::milliseconds& timeout) = 0;
};

}  // namespace rendezvous
}  // namespace gloo
