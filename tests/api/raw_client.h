#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace starling::api {

// A client that sends what it is told, byte for byte, to a port of this machine.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port);
  ~RawClient();
  RawClient(RawClient&& other) noexcept;
  RawClient& operator=(RawClient&&) = delete;
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool connected() const { return descriptor_ >= 0; }
  // False once the server has closed the connection.
  bool send(std::string_view bytes);
  // Everything until the server closes the connection, or the time is over.
  std::string receive_all(int milliseconds = 5000);
  // At least one byte, or nothing when the server closed or the time is over.
  std::string receive_some(int milliseconds = 5000);
  // Until the text is there.
  std::string receive_until(std::string_view text, int milliseconds = 5000);
  // Whether the server closes within the time; what it sends is thrown away.
  bool closed_within(int milliseconds);

 private:
  int descriptor_ = -1;
  bool closed_ = false;
};

// The status of the first reply in the text; 0 when there is none.
int status_of(std::string_view reply);

}  // namespace starling::api
