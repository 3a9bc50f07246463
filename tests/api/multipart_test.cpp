#include "api/videos/multipart.h"

#include <gtest/gtest.h>

namespace starling::api::videos {
namespace {

constexpr const char* kTwo =
    "--B\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\na red ball\r\n"
    "--B\r\ncontent-disposition: form-data; name=pic; filename=\"../../etc/\\\"x\\\"\"\r\nContent-Type: "
    "image/png\r\n\r\n"
    "\r\n--\r\n--Bx\r\n--B--\r\n";

TEST(Multipart, PartsAreWhatWasSent) {
  const auto parts = parse_form(kTwo, "B");
  ASSERT_FALSE(parts.ok()) << "a longer word that begins as the boundary does is followed by no end of line";
  const std::string body =
      "--B\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\na red ball\r\n"
      "--B\r\nX-Other: 1\r\ncontent-disposition: form-data; name=pic; "
      "filename=\"../../etc/\\\"x\\\"\"\r\nContent-Type: "
      "image/png\r\n\r\n\r\n--\r\n\r\n--B\r\nContent-Disposition: form-data; name=\"empty\"\r\n\r\n\r\n--B--\r\n";
  const auto three = parse_form(body, "B");
  ASSERT_TRUE(three.ok()) << three.error().message;
  ASSERT_EQ(three->size(), 3U);
  EXPECT_EQ((*three)[0].name, "prompt");
  EXPECT_EQ((*three)[0].content, "a red ball");
  EXPECT_FALSE((*three)[0].is_file);
  EXPECT_TRUE((*three)[1].is_file);
  EXPECT_EQ((*three)[1].file, "../../etc/\"x\"");
  EXPECT_EQ((*three)[1].content_type, "image/png");
  EXPECT_EQ((*three)[1].content, "\r\n--\r\n");
  EXPECT_EQ((*three)[2].content, "");
}

TEST(Multipart, WhatLiesIsRefused) {
  const auto refused = [](const std::string& body) { return !parse_form(body, "B").ok(); };
  const std::string head = "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n";
  EXPECT_FALSE(refused(head + "x\r\n--B--"));
  EXPECT_TRUE(refused(""));
  EXPECT_TRUE(refused("--B"));
  EXPECT_TRUE(refused("x" + head + "x\r\n--B--"));
  EXPECT_TRUE(refused(head + "x")) << "no end";
  EXPECT_TRUE(refused(head + "x\r\n--B-")) << "half an end";
  EXPECT_TRUE(refused(head + "x\r\n--B--more"));
  EXPECT_TRUE(refused(head + "x\r\n" + head + "y\r\n--B--")) << "one name twice";
  EXPECT_TRUE(refused("--B\r\n\r\nx\r\n--B--")) << "no disposition";
  EXPECT_TRUE(refused("--B\r\nContent-Disposition: attachment; name=a\r\n\r\nx\r\n--B--"));
  EXPECT_TRUE(refused("--B\r\nContent-Disposition: form-data\r\n\r\nx\r\n--B--"));
  EXPECT_TRUE(refused("--B\r\nContent-Disposition: form-data; name=\"a\r\n\r\nx\r\n--B--"));
  EXPECT_TRUE(refused("--B\r\nContent-Disposition: form-data; name=\"a\x01\"\r\n\r\nx\r\n--B--"));
  EXPECT_TRUE(refused("--B\r\nContent-Disposition: form-data; name=\"\xFF\"\r\n\r\nx\r\n--B--"));
  EXPECT_TRUE(refused("--B\r\nContent-Disposition: form-data; name=a; name=b\r\n\r\nx\r\n--B--"));
  EXPECT_TRUE(
      refused("--B\r\nContent-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64\r\n\r\nx\r\n--B--"));
  EXPECT_TRUE(refused("--B\r\nX: " + std::string(kMaxPartHeader, 'x') + "\r\n" + head.substr(5) + "x\r\n--B--"));
  std::string many;
  for (std::size_t i = 0; i <= kMaxFormParts; ++i) {
    many += "--B\r\nContent-Disposition: form-data; name=\"" + std::to_string(i) + "\"\r\n\r\nx\r\n";
  }
  EXPECT_TRUE(refused(many + "--B--"));
}

TEST(Multipart, BoundariesAreBounded) {
  EXPECT_EQ(*form_boundary("multipart/form-data; boundary=abc"), "abc");
  EXPECT_EQ(*form_boundary("Multipart/Form-Data; charset=utf-8; boundary=\"a b\""), "a b");
  for (const char* const bad : {"", "multipart/mixed; boundary=a", "multipart/form-data",
                                "multipart/form-data; boundary=", "multipart/form-data; boundary=\"a ",
                                "multipart/form-data; boundary=a\x01"}) {
    EXPECT_FALSE(form_boundary(bad).ok()) << bad;
  }
  EXPECT_FALSE(form_boundary("multipart/form-data; boundary=" + std::string(71, 'a')).ok());
}

}  // namespace
}  // namespace starling::api::videos
