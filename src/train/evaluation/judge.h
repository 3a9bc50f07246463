#pragma once

#include "train/evaluation/measures.h"
#include "train/evaluation/reading.h"
#include "train/world/caption.h"

namespace starling::train::evaluation {

// What a caption promises: its scenario's story, colours, shapes and how many there are, and of the rest what it says.
struct Promise {
  world::Scenario scenario;
  world::Said said;
};

// By number of the scenario's actors: the track that is taken for it, or kNobody. Each actor is given the track that is
// most like what the caption says of it: its colour first, then its shape, what it does, its size.
std::vector<std::size_t> cast_tracks(const Reading& reading, const Promise& promise);

// What of its promise a video keeps, and of the laws of its place. What the caption does not say is not judged.
Counts judge(const Reading& reading, const Promise& promise);

// What is measured of it as numbers.
Amounts measure(const Reading& reading, const Promise& promise);

}  // namespace starling::train::evaluation
