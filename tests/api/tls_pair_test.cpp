#include "api/tls_pair.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

namespace starling::api {
namespace {

struct Pair {
  std::string certificate;
  std::string key;
};

std::string take(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}

// A certificate that its own key signed.
Pair make_pair() {
  EVP_PKEY* const key = EVP_EC_gen("P-256");
  X509* const certificate = X509_new();
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_sign(certificate, key, EVP_sha256());
  BIO* const public_text = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(public_text, certificate);
  BIO* const private_text = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(private_text, key, nullptr, nullptr, 0, nullptr, nullptr);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return {take(public_text), take(private_text)};
}

TEST(TlsPairs, TheFileThatIsWrongIsNamed) {
  const Pair own = make_pair();
  const Pair other = make_pair();
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
