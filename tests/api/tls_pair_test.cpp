#include "api/tls_pair.h"

#include <gtest/gtest.h>

#include "tls_pair.h"

namespace starling::api {
namespace {

TEST(TlsPairs, TheFileThatIsWrongIsNamed) {
  const TlsPair own = make_tls_pair();
  const TlsPair other = make_tls_pair();
  const auto message = [](const std::string& certificate, const std::string& key) {
    const base::Status status = check_tls_pair({"server.crt", certificate}, {"server.key", key});
    return status.ok() ? std::string() : status.error().message;
  };
  EXPECT_EQ(message(own.certificate, own.key), "");
  EXPECT_EQ(message(own.certificate + other.certificate, own.key), "");  // with one above it
  EXPECT_EQ(message(own.key, own.certificate),
            "server.crt holds no certificate in PEM, but a private key: that belongs to --tls-key");
  EXPECT_EQ(message(own.certificate, own.certificate),
            "server.key holds no private key in PEM, but a certificate: that belongs to --tls-certificate");
  EXPECT_NE(
      message(own.certificate, other.key).find("server.key is not the private key of the certificate in server.crt"),
      std::string::npos);
  EXPECT_NE(message("", own.key).find("server.crt holds no certificate"), std::string::npos);
  EXPECT_NE(message(own.certificate, "-----BEGIN PRIVATE KEY-----\n").find("server.key holds no private key"),
            std::string::npos);
}

}  // namespace
}  // namespace starling::api
