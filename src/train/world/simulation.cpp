#include "train/world/simulation.h"

#include <box2d/box2d.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "train/world/angle.h"

namespace starling::train::world {

namespace {

constexpr float kStep = 1.0F / kStepsPerSecond;
constexpr int kVelocityIterations = 10;
constexpr int kPositionIterations = 6;
// Slower approaches do not rebound.
constexpr float kReboundSpeed = 0.4F;
constexpr float kPropFriction = 0.5F;
constexpr float kPlankDensity = 0.35F;
constexpr float kDominoDensity = 0.4F;

b2Vec2 vector(double x, double y) { return {static_cast<float>(x), static_cast<float>(y)}; }

std::uintptr_t number_of(b2Fixture* fixture) { return fixture->GetBody()->GetUserData().pointer; }

// The speed at which two bodies approach each other where they touch.
double approach(b2Contact* contact) {
  b2WorldManifold manifold;
  contact->GetWorldManifold(&manifold);
  const b2Body* a = contact->GetFixtureA()->GetBody();
  const b2Body* b = contact->GetFixtureB()->GetBody();
  const b2Vec2 point = manifold.points[0];
  const b2Vec2 between = b->GetLinearVelocityFromWorldPoint(point) - a->GetLinearVelocityFromWorldPoint(point);
  return -b2Dot(between, manifold.normal);
}

class Listener : public b2ContactListener {
 public:
  explicit Listener(Course& course) : course_(course) {}

  void BeginContact(b2Contact* contact) override {
    const std::size_t a = number_of(contact->GetFixtureA());
    const std::size_t b = number_of(contact->GetFixtureB());
    course_.touches.push_back({time, std::min(a, b), std::max(a, b), approach(contact)});
  }

  double time = 0.0;

 private:
  Course& course_;
};

// The fixtures of a thing: a circle, one polygon, or the five kites of a star.
void add_shape(b2Body& body, const Actor& actor) {
  const Thing& thing = actor.thing;
  const double d = thing.diameter;
  b2FixtureDef fixture;
  fixture.density = static_cast<float>(actor.density);
  fixture.friction = static_cast<float>(actor.friction);
  fixture.restitution = static_cast<float>(actor.restitution);
  fixture.restitutionThreshold = kReboundSpeed;
  b2PolygonShape polygon;
  switch (thing.shape) {
    case Shape::kBall: {
      b2CircleShape circle;
      circle.m_radius = static_cast<float>(0.5 * d);
      fixture.shape = &circle;
      body.CreateFixture(&fixture);
      return;
    }
    case Shape::kBox: {
      const auto half = static_cast<float>(0.5 * kBoxSide * d);
      polygon.SetAsBox(half, half);
      break;
    }
    case Shape::kTriangle: {
      const double half = half_width(thing.shape) * d;
      const double low = -base(thing.shape) * d;
      const std::array<b2Vec2, 3> corners = {vector(-half, low), vector(half, low), vector(0, top(thing.shape) * d)};
      polygon.Set(corners.data(), 3);
      break;
    }
    case Shape::kStar: {
      const auto ray = [d](double radius, double turns) {
        const SineCosine at = sine_cosine(turns);
        return vector(-radius * d * at.sine, radius * d * at.cosine);
      };
      fixture.shape = &polygon;
      for (int tip = 0; tip < 5; ++tip) {
        const std::array<b2Vec2, 4> corners = {vector(0, 0), ray(kStarCorner, tip / 5.0 - 0.1),
                                               ray(kStarTip, tip / 5.0), ray(kStarCorner, tip / 5.0 + 0.1)};
        polygon.Set(corners.data(), 4);
        body.CreateFixture(&fixture);
      }
      return;
    }
  }
  fixture.shape = &polygon;
  body.CreateFixture(&fixture);
}

class Simulation {
 public:
  explicit Simulation(const Scenario& scenario)
      : scenario_(scenario),
        gravity_(metres_per_second_squared(scenario.setting.gravity)),
        world_(vector(0, -gravity_)),
        course_(scenario.actors.size() + scenario.props.size(), scenario.actors.size()),
        listener_(course_) {
    add_ground();
    for (const Actor& actor : scenario.actors) add(actor);
    for (const Prop& prop : scenario.props) add(prop);
    join_planks();
    world_.SetContactListener(&listener_);
  }

  Course run(double seconds) {
    const int steps = static_cast<int>(std::ceil(seconds * kStepsPerSecond));
    record();
    for (int step = 0; step < steps; ++step) {
      listener_.time = static_cast<double>(step) / kStepsPerSecond;
      for (std::size_t i = 0; i < scenario_.actors.size(); ++i) {
        if (!bodies_[i]->IsEnabled() && scenario_.actors[i].enters <= listener_.time) bodies_[i]->SetEnabled(true);
      }
      world_.Step(kStep, kVelocityIterations, kPositionIterations);
      record();
    }
    return std::move(course_);
  }

 private:
  void add_ground() {
    b2BodyDef definition;
    definition.userData.pointer = kGroundBody;
    ground_ = world_.CreateBody(&definition);
    b2PolygonShape slab;
    slab.SetAsBox(2000, 5, vector(0, -5), 0);
    b2FixtureDef fixture;
    fixture.shape = &slab;
    fixture.friction = kPropFriction;
    ground_->CreateFixture(&fixture);
  }

  void add(const Actor& actor) {
    b2BodyDef definition;
    definition.type = b2_dynamicBody;
    definition.position = vector(actor.x, actor.y);
    definition.angle = static_cast<float>(actor.angle);
    definition.linearVelocity = vector(actor.velocity_x, actor.velocity_y);
    definition.angularVelocity = static_cast<float>(actor.spin);
    definition.angularDamping = static_cast<float>(actor.rolling_resistance);
    definition.fixedRotation = actor.upright;
    definition.allowSleep = !actor.hangs;
    definition.enabled = actor.enters <= 0.0;
    definition.userData.pointer = bodies_.size();
    b2Body* body = world_.CreateBody(&definition);
    add_shape(*body, actor);
    if (actor.hangs) {
      b2RevoluteJointDef joint;
      joint.Initialize(ground_, body, vector(actor.rope_x, actor.rope_y));
      world_.CreateJoint(&joint);
    }
    bodies_.push_back(body);
  }

  void add(const Prop& prop) {
    b2BodyDef definition;
    definition.type = prop.moves() ? b2_dynamicBody : b2_staticBody;
    definition.position = vector(prop.x, prop.y);
    definition.angle = static_cast<float>(prop.angle);
    definition.userData.pointer = bodies_.size();
    b2Body* body = world_.CreateBody(&definition);
    bodies_.push_back(body);
    const double half = 0.5 * prop.width;
    b2FixtureDef fixture;
    fixture.friction = kPropFriction;
    b2PolygonShape polygon;
    fixture.shape = &polygon;
    switch (prop.kind) {
      case PropKind::kWall:
      case PropKind::kPivot:  // the plank's joint holds it
        return;
      case PropKind::kRamp: {
        const double high = prop.facing == Direction::kRight ? -half : half;
        const std::array<b2Vec2, 3> corners = {vector(-half, 0), vector(half, 0), vector(high, prop.height)};
        polygon.Set(corners.data(), 3);
        fixture.friction = 1.0F;
        break;
      }
      case PropKind::kLedge:
        polygon.SetAsBox(static_cast<float>(half), static_cast<float>(0.5 * prop.height), vector(0, 0.5 * prop.height),
                         0);
        break;
      case PropKind::kPlank:
      case PropKind::kDomino:
        polygon.SetAsBox(static_cast<float>(half), static_cast<float>(0.5 * prop.height));
        fixture.density = prop.kind == PropKind::kPlank ? kPlankDensity : kDominoDensity;
        break;
    }
    body->CreateFixture(&fixture);
  }

  // A plank turns about its middle.
  void join_planks() {
    for (std::size_t i = 0; i < scenario_.props.size(); ++i) {
      const Prop& prop = scenario_.props[i];
      if (prop.kind != PropKind::kPlank) continue;
      b2RevoluteJointDef joint;
      joint.Initialize(ground_, bodies_[scenario_.actors.size() + i], vector(prop.x, prop.y));
      joint.collideConnected = true;
      world_.CreateJoint(&joint);
    }
  }

  void record() {
    const std::size_t step = course_.energy.size();
    course_.add_step();
    double energy = 0.0;
    for (std::size_t i = 0; i < bodies_.size(); ++i) {
      const b2Body& body = *bodies_[i];
      const b2Vec2 position = body.GetPosition();
      const b2Vec2 velocity = body.GetLinearVelocity();
      const double spin = body.GetAngularVelocity();
      course_.at(step, i) = {position.x, position.y, body.GetAngle(), velocity.x, velocity.y, spin};
      if (body.GetType() != b2_dynamicBody) continue;
      const double mass = body.GetMass();
      energy +=
          mass * gravity_ * position.y +
          0.5 * mass * (static_cast<double>(velocity.x) * velocity.x + static_cast<double>(velocity.y) * velocity.y) +
          0.5 * body.GetInertia() * spin * spin;
    }
    course_.energy.push_back(energy);
    for (b2Contact* contact = world_.GetContactList(); contact != nullptr; contact = contact->GetNext()) {
      if (!contact->IsTouching()) continue;
      b2WorldManifold manifold;
      contact->GetWorldManifold(&manifold);
      for (int i = 0; i < contact->GetManifold()->pointCount; ++i) {
        course_.deepest = std::max(course_.deepest, -static_cast<double>(manifold.separations[i]));
      }
    }
  }

  const Scenario& scenario_;
  double gravity_;
  b2World world_;
  Course course_;
  Listener listener_;
  b2Body* ground_ = nullptr;
  std::vector<b2Body*> bodies_;  // actors, then props
};

// Box2D fills its table of contact types when the first contact is made, without a lock.
bool fill_contact_table() {
  Scenario scenario;
  scenario.actors.resize(1);
  scenario.actors[0].y = 0.5 * scenario.actors[0].thing.diameter;
  return Simulation(scenario).run(2 * static_cast<double>(kStep)).touches.empty();
}

}  // namespace

Pose Course::at_time(double t, std::size_t body) const {
  const double exact = t * kStepsPerSecond;
  const auto step = std::min(static_cast<std::size_t>(exact), steps() - 1);
  const Pose& a = at(step, body);
  if (step + 1 == steps()) return a;
  const Pose& b = at(step + 1, body);
  const double part = exact - static_cast<double>(step);
  const auto mix = [part](double from, double to) { return from + (to - from) * part; };
  return {mix(a.x, b.x),
          mix(a.y, b.y),
          mix(a.angle, b.angle),
          mix(a.velocity_x, b.velocity_x),
          mix(a.velocity_y, b.velocity_y),
          mix(a.spin, b.spin)};
}

Course simulate(const Scenario& scenario, double seconds) {
  static const bool filled = fill_contact_table();
  static_cast<void>(filled);
  return Simulation(scenario).run(seconds);
}

}  // namespace starling::train::world
