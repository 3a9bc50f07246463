#pragma once

#include <algorithm>
#include <string>

#include "api/videos/openapi.h"
#include "base/json.h"

namespace starling::api::videos {

// Whether a value is as a schema of the document says: the first thing that is not, or an empty text.
class Schemas {
 public:
  Schemas() : document_(*base::Json::parse(openapi_text(), "the document")) {}
  const base::Json& document() const { return document_; }

  std::string differs(const base::Json& given, const base::Json& value, const std::string& where) const {
    const base::Json& schema = resolved(given);
    if (const base::Json* const fixed = schema.find("const"); fixed != nullptr && fixed->to_text() != value.to_text()) {
      return where + " is " + value.to_text();
    }
    if (const base::Json* const choices = schema.find("enum"); choices != nullptr) {
      const bool known = std::ranges::any_of(choices->elements(),
                                             [&](const base::Json& one) { return one.to_text() == value.to_text(); });
      if (!known) return where + " is " + value.to_text();
    }
    if (const base::Json* const type = schema.find("type"); type != nullptr && !is_of(*type, value)) {
      return where + " is " + value.to_text() + ", not of type " + type->to_text();
    }
    if (value.is_array() && schema.find("items") != nullptr) {
      for (const base::Json& element : value.elements()) {
        if (std::string found = differs(*schema.find("items"), element, where + "[]"); !found.empty()) return found;
      }
    }
    return value.is_object() ? members_differ(schema, value, where) : std::string();
  }
  // Of the answer of an operation; null: there is none.
  const base::Json* answer_schema(const std::string& path, const std::string& method, int status) const {
    const base::Json* at = &document_;
    for (const std::string& key :
         {std::string("paths"), path, method, std::string("responses"), std::to_string(status)}) {
      at = at == nullptr ? nullptr : at->find(key);
    }
    if (at == nullptr) return nullptr;
    const base::Json* const content = resolved(*at).find("content");
    const base::Json* const json = content == nullptr ? nullptr : content->find("application/json");
    return json == nullptr ? nullptr : json->find("schema");
  }

 private:
  const base::Json& resolved(const base::Json& schema) const {
    const base::Json* const reference = schema.find("$ref");
    if (reference == nullptr) return schema;
    const base::Json* at = &document_;
    std::string path = reference->as_text()->substr(2);
    while (!path.empty()) {
      const std::size_t end = std::min(path.find('/'), path.size());
      at = at->find(path.substr(0, end));
      path.erase(0, end + 1);
    }
    return *at;
  }
  static bool is_of(const base::Json& type, const base::Json& value) {
    if (type.is_array()) {
      return std::ranges::any_of(type.elements(), [&](const base::Json& one) { return is_of(one, value); });
    }
    using Kind = base::Json::Kind;
    const std::string name = *type.as_text();
    const Kind kind = value.kind();
    return (name == "null" && kind == Kind::kNull) || (name == "boolean" && kind == Kind::kBoolean) ||
           (name == "integer" && kind == Kind::kInteger) || (name == "string" && kind == Kind::kText) ||
           (name == "number" && (kind == Kind::kInteger || kind == Kind::kNumber)) ||
           (name == "array" && kind == Kind::kArray) || (name == "object" && kind == Kind::kObject);
  }
  std::string members_differ(const base::Json& schema, const base::Json& value, const std::string& where) const {
    if (const base::Json* const required = schema.find("required"); required != nullptr) {
      for (const base::Json& name : required->elements()) {
        if (value.find(*name.as_text()) == nullptr) return where + " lacks " + *name.as_text();
      }
    }
    const base::Json* const properties = schema.find("properties");
    if (properties == nullptr) return {};
    for (const base::JsonMember& member : value.members()) {
      const base::Json* const property = properties->find(member.key);
      if (property == nullptr) return where + " has " + member.key;
      if (std::string found = differs(*property, member.value, where + "." + member.key); !found.empty()) return found;
    }
    return {};
  }
  const base::Json document_;
};

}  // namespace starling::api::videos
