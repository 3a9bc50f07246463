#include "train/world/truth_json.h"

#include <array>
#include <cmath>

namespace starling::train::world {

namespace {

using base::Json;

// To a thousandth: of a pixel, a metre, a second or a radian.
Json number(double value) { return std::floor(value * 1000 + 0.5) / 1000; }

Json object() { return Json::empty_object(); }

Json thing_json(const Actor& actor) {
  const Thing& thing = actor.thing;
  Json json = object();
  json.set("colour", generate::name(thing.colour))
      .set("shape", name(thing.shape))
      .set("size", generate::name(thing.size));
  json.set("pattern", name(thing.pattern)).set("motion", name(thing.motion)).set("diameter", number(thing.diameter));
  json.set("held_out", held_out(thing));
  return json;
}

Json prop_json(const Prop& prop) {
  Json json = object();
  json.set("kind", name(prop.kind)).set("x", number(prop.x)).set("y", number(prop.y));
  json.set("width", number(prop.width)).set("height", number(prop.height));
  return json;
}

Json clause_json(const Clause& clause) {
  Json json = object();
  json.set("act", name(clause.act)).set("subject", clause.subject).set("time", number(clause.time));
  if (clause.object != kNobody) json.set("object", clause.object);
  if (clause.direction != Direction::kNone) json.set("direction", generate::name(clause.direction));
  return json;
}

Json relation_json(const Relation& relation) {
  Json json = object();
  json.set("relation", relation.kind == RelationKind::kLeftOf ? "left of" : "on top of");
  json.set("subject", relation.subject).set("object", relation.object);
  return json;
}

Json event_json(const Event& event) {
  constexpr std::array<std::string_view, 5> kNames = {"touch", "enter", "leave", "hidden", "revealed"};
  Json json = object();
  json.set("event", kNames[static_cast<std::size_t>(event.kind) % kNames.size()]).set("time", number(event.time));
  json.set("first", event.first);
  if (event.second == kNobody) return json;
  json.set("second", event.second == kGroundBody ? Json("ground") : Json(event.second));
  json.set("speed", number(event.speed));
  return json;
}

Json frame_json(const FrameTruth& frame) {
  Json things = Json::empty_array();
  for (const ThingTruth& thing : frame.things) {
    Json json = object();
    json.set("x", number(thing.centre_x)).set("y", number(thing.centre_y)).set("angle", number(thing.angle));
    json.set("left", number(thing.left)).set("top", number(thing.top));
    json.set("right", number(thing.right)).set("bottom", number(thing.bottom));
    json.set("diameter", number(thing.diameter)).set("visible", number(thing.visible()));
    things.push(std::move(json));
  }
  Json json = object();
  json.set("time", number(frame.time)).set("camera_x", number(frame.camera.x)).set("zoom", number(frame.camera.zoom));
  json.set("things", std::move(things));
  return json;
}

template <typename List, typename Convert>
Json list_json(const List& list, const Convert& convert) {
  Json json = Json::empty_array();
  for (const auto& item : list) json.push(convert(item));
  return json;
}

}  // namespace

Json truth_json(const Take& take) {
  const Scenario& scenario = take.scenario;
  Json json = object();
  json.set("plot", name(take.plot)).set("ground", name(scenario.setting.ground)).set("sky", name(scenario.setting.sky));
  json.set("gravity", name(scenario.setting.gravity));
  json.set("metres_per_second_squared", metres_per_second_squared(scenario.setting.gravity));
  json.set("camera", name(scenario.camera.kind));
  json.set("things", list_json(scenario.actors, thing_json)).set("props", list_json(scenario.props, prop_json));
  json.set("story", list_json(scenario.story.clauses, clause_json));
  json.set("relations", list_json(scenario.story.relations, relation_json));
  json.set("events", list_json(take.truth.events, event_json));
  json.set("frames", list_json(take.truth.frames, frame_json));
  return json;
}

}  // namespace starling::train::world
