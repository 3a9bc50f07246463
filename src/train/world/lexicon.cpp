#include "train/world/lexicon.h"

#include <algorithm>
#include <map>
#include <span>

#include "train/world/caption.h"
#include "train/world/words.h"

namespace starling::train::world {

namespace {

constexpr std::size_t kMostBytes = 4096;

// --- tokens: English words in lower case, single characters of other scripts, and punctuation

struct Token {
  std::string text;
  std::string as_written;
  bool known_one = false;
  bool new_one = false;
};

bool is_word_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '\'' || c == '-';
}

std::size_t bytes_of_character(char first) {
  const auto byte = static_cast<unsigned char>(first);
  return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

// Articles are no tokens of their own: "the ball" is "ball" that is known.
std::vector<Token> tokens_of(std::string_view text) {
  std::vector<Token> tokens;
  Token next;
  const auto finish = [&](std::string_view as_written, std::string token) {
    next.text = std::move(token);
    next.as_written = as_written;
    tokens.push_back(next);
    next = {};
  };
  while (!text.empty()) {
    std::size_t length = 0;
    while (length < text.size() && is_word_character(text[length])) ++length;
    if (length > 0) {
      std::string word;
      for (const char c : text.substr(0, length)) word += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
      if (word == "the") {
        next.known_one = true;
      } else if (word == "a" || word == "an" || word == "one" || word == "another") {
        next.new_one = true;
      } else {
        finish(text.substr(0, length), word);
      }
    } else {
      length = std::min(bytes_of_character(text[0]), text.size());
      const std::string_view character = text.substr(0, length);
      if (character == "那") {
        next.known_one = true;
      } else if (character.find_first_of(" \t\r\n\"") == std::string_view::npos) {
        finish(character, std::string(character));
      }
    }
    text.remove_prefix(length);
  }
  return tokens;
}

// --- phrases

struct Sense {
  Meaning meaning = Meaning::kNothing;
  std::size_t value = 0;
};

class Lexicon {
 public:
  Lexicon() {
    add_attributes();
    add_acts();
    add_synonyms();
    add_grammar();
  }

  // The longest phrase that stands at `first`; the number of its tokens, 0 if there is none.
  std::size_t longest(const std::vector<Token>& tokens, std::size_t first, Sense& sense) const {
    std::string key;
    std::size_t found = 0;
    for (std::size_t i = first; i < std::min(tokens.size(), first + longest_); ++i) {
      // An article may stand within a phrase ("down the ramp"), but what follows a comma is another one.
      key += tokens[i].text;
      key += ' ';
      const auto at = phrases_.find(key);
      if (at == phrases_.end()) continue;
      sense = at->second;
      found = i + 1 - first;
    }
    return found;
  }

 private:
  // The first meaning of a phrase stays.
  void add(std::string_view phrase, Meaning meaning, std::size_t value = 0) {
    std::string key;
    std::size_t count = 0;
    for (const Token& token : tokens_of(phrase)) {
      key += token.text + ' ';
      ++count;
    }
    if (count == 0) return;
    longest_ = std::max(longest_, count);
    phrases_.emplace(std::move(key), Sense{meaning, value});
  }
  // With the other script's characters.
  void add_chinese(std::string_view phrase, Meaning meaning, std::size_t value = 0) {
    add(phrase, meaning, value);
    add(traditional(std::string(phrase)), meaning, value);
  }

  template <typename E>
  void add_all(Phrases (*english)(E), Phrases (*chinese)(E), std::size_t values, Meaning meaning) {
    for (std::size_t i = 0; i < values; ++i) {
      for (const std::string_view phrase : english(static_cast<E>(i))) add(phrase, meaning, i);
      for (const std::string_view phrase : chinese(static_cast<E>(i))) add_chinese(phrase, meaning, i);
    }
  }

  void add_attributes() {
    add_all(english::colour, chinese::colour, generate::kColours, Meaning::kColour);
    add_all(english::size, chinese::size, generate::kSizes, Meaning::kSize);
    add_all(english::pattern, chinese::pattern, kPatterns, Meaning::kPattern);
    add_all(english::ground, chinese::ground, kGrounds, Meaning::kGround);
    add_all(english::sky, chinese::sky, kSkies, Meaning::kSky);
    add_all(english::gravity, chinese::gravity, kGravities, Meaning::kGravity);
    add_all(english::camera, chinese::camera, kCameras, Meaning::kCamera);
    add_all(english::direction, chinese::direction, generate::kDirections, Meaning::kDirection);
    for (std::size_t i = 0; i < kShapes; ++i) {
      for (const english::Noun& noun : english::nouns(static_cast<Shape>(i))) {
        add(noun.one, Meaning::kShape, i);
        add(noun.many, Meaning::kShape, i);
      }
      for (const std::string_view noun : chinese::nouns(static_cast<Shape>(i))) add_chinese(noun, Meaning::kShape, i);
    }
  }

  void add_acts() {
    for (const Shape shape : {Shape::kBall, Shape::kBox}) {
      for (std::size_t i = 0; i < kActs; ++i) {
        const Act act = static_cast<Act>(i);
        for (const english::Verb& verb : english::verbs(act, shape)) add_verb(verb, i);
        for (const std::string_view verb : chinese::verbs(act, shape)) add_chinese(verb, Meaning::kAct, i);
      }
    }
  }
  void add_verb(const english::Verb& verb, std::size_t act) {
    const std::string rest(verb.rest);
    for (const std::string_view form : {verb.one, verb.many, verb.ing}) {
      add(std::string(form) + ' ' + rest, Meaning::kAct, act);
    }
    // "is thrown": "thrown" alone says it too.
    if (verb.one == "is") add(rest, Meaning::kAct, act);
  }

  // Words of people that no caption has.
  void add_synonyms() {
    const auto act = [&](Act value, std::initializer_list<std::string_view> phrases) {
      for (const std::string_view phrase : phrases) add_chinese(phrase, Meaning::kAct, static_cast<std::size_t>(value));
    };
    act(Act::kStay, {"stays", "stay", "staying", "stands", "standing", "sits", "sitting", "lies", "still", "waits",
                     "motionless", "at rest", "静止", "不动", "停着"});
    act(Act::kFall, {"falls from the sky", "falls from above", "fall down", "falling down", "drops down", "dropped",
                     "plunges", "lands", "landing", "掉下", "下落", "坠落", "掉"});
    act(Act::kBounce, {"jumps", "jump", "jumping", "jumping up and down", "leaps", "bounces around",
                       "bounce up and down", "bouncing up and down", "跳", "弹", "跳跃"});
    act(Act::kTravel, {"moves", "move", "moving", "goes", "go", "going", "runs", "running", "travels", "travelling",
                       "drives", "walks", "slips", "移动", "前进", "跑", "走"});
    act(Act::kFly, {"flies", "fly", "flying", "flies through the sky", "is kicked", "kicked", "soars", "飞", "飞行"});
    act(Act::kSwing, {"swings", "swing", "swinging", "swings back and forth", "hangs on a rope", "hanging from a rope",
                      "hangs from a rope", "pendulum", "dangles", "摆动", "荡秋千", "摇摆"});
    act(Act::kDescend, {"down a ramp", "down the hill", "downhill", "down a slide", "rolls downhill", "slides downhill",
                        "下坡", "滚下山坡", "滑下山坡"});
    act(Act::kDrop, {"off a table", "off the edge", "falls off the edge", "falls off a cliff", "off a cliff",
                     "falls off", "over the edge", "从悬崖上掉下来"});
    act(Act::kHit, {"strikes", "strike", "knocks into", "knocks over", "pushes", "runs into", "rolls into",
                    "slides into", "smashes into", "bumps", "撞击", "撞"});
    act(Act::kHide,
        {"hides", "hides behind a wall", "hides behind", "behind a wall", "disappears", "passes behind a wall",
         "rolls behind a wall", "slides behind a wall", "vanishes", "躲起来", "墙后", "消失"});
    act(Act::kEmerge, {"appears again", "comes back", "comes out", "出来", "再次出现"});
    act(Act::kLaunch, {"launched by a seesaw", "on a seesaw", "seesaw", "catapulted", "跷跷板"});
    act(Act::kTopple, {"dominoes", "domino", "knocks over dominoes", "knocks down dominoes", "多米诺骨牌"});
    act(Act::kLandOn, {"falls on", "drops on", "falls onto", "drops onto", "lands onto", "落到", "掉到"});
    act(Act::kStop, {"halts", "stop moving", "stops moving", "停下", "停止"});
    const auto shape = [&](Shape value, std::initializer_list<std::string_view> phrases) {
      for (const std::string_view phrase : phrases)
        add_chinese(phrase, Meaning::kShape, static_cast<std::size_t>(value));
    };
    shape(Shape::kBall, {"circle", "circles", "marble", "balloon", "football", "basketball", "disc", "orb", "皮球",
                         "足球", "篮球", "圆"});
    shape(Shape::kBox, {"block", "blocks", "crate", "brick", "rectangle", "立方体", "正方形", "方形"});
    shape(Shape::kTriangle, {"cone", "wedge", "金字塔", "三角"});
    shape(Shape::kStar, {"starfish", "星形", "星"});
    const auto colour = [&](Colour value, std::initializer_list<std::string_view> phrases) {
      for (const std::string_view phrase : phrases)
        add_chinese(phrase, Meaning::kColour, static_cast<std::size_t>(value));
    };
    colour(Colour::kRed, {"crimson", "scarlet"});
    colour(Colour::kBlue, {"azure", "navy"});
    colour(Colour::kYellow, {"golden", "gold"});
    colour(Colour::kPurple, {"lilac"});
    colour(Colour::kOrange, {"橙", "橘"});
    const auto word = [&](Meaning meaning, auto value, std::initializer_list<std::string_view> phrases) {
      for (const std::string_view phrase : phrases) add_chinese(phrase, meaning, static_cast<std::size_t>(value));
    };
    word(Meaning::kSize, Size::kSmall, {"mini", "short", "小的", "小小的"});
    word(Meaning::kSize, Size::kBig, {"giant", "great", "enormous", "大的", "巨大"});
    word(Meaning::kPattern, Pattern::kStriped, {"stripy", "stripes"});
    word(Meaning::kPattern, Pattern::kDotted, {"dots", "polka-dot"});
    word(Meaning::kGround, Ground::kGrass, {"meadow", "field", "green field", "草"});
    word(Meaning::kGround, Ground::kSand, {"desert", "beach", "dunes", "沙漠", "沙"});
    word(Meaning::kGround, Ground::kStone, {"stones", "rock", "street", "road", "concrete", "石头"});
    word(Meaning::kGround, Ground::kIce, {"frozen lake", "snow", "冰", "雪地"});
    word(Meaning::kGround, Ground::kWood, {"wooden", "floor", "table", "planks", "木头"});
    word(Meaning::kSky, Sky::kDay, {"day", "daylight", "sunny", "blue sky", "sunshine", "蓝天", "阳光"});
    word(Meaning::kSky, Sky::kCloudy, {"cloudy", "clouds", "grey sky", "overcast", "多云"});
    word(Meaning::kSky, Sky::kNight, {"night", "dark", "dark sky", "night sky", "midnight", "晚上", "夜空", "黑夜"});
    word(Meaning::kGravity, Gravity::kEarth, {"earth", "地球", "地球上"});
    word(Meaning::kGravity, Gravity::kMoon,
         {"moon", "the surface of the moon", "low gravity", "月球", "月球上", "月亮上"});
    word(Meaning::kCamera, Camera::kPanLeft, {"pan left", "panning left", "pans left", "camera pan left"});
    word(Meaning::kCamera, Camera::kPanRight, {"pan right", "panning right", "pans right", "camera pan right"});
    word(Meaning::kCamera, Camera::kZoomIn, {"zoom in", "zooming in", "zooms in", "close-up", "拉近"});
    word(Meaning::kCamera, Camera::kZoomOut, {"zoom out", "zooming out", "zooms out", "拉远"});
    word(Meaning::kCamera, Camera::kFollow,
         {"tracking shot", "follow shot", "camera tracks", "followed by the camera", "跟拍"});
    word(Meaning::kCamera, Camera::kStill, {"static shot", "static camera", "still camera", "fixed camera"});
    word(Meaning::kDirection, Direction::kLeft, {"towards the left", "from the right", "左"});
    word(Meaning::kDirection, Direction::kRight, {"towards the right", "from the left", "右"});
  }

  void add_grammar() {
    const auto words = [&](Meaning meaning, std::size_t value, std::initializer_list<std::string_view> phrases) {
      for (const std::string_view phrase : phrases) add_chinese(phrase, meaning, value);
    };
    for (std::size_t i = 2; i <= 4; ++i) {
      static constexpr std::string_view kNumbers[3][5] = {
          {"two", "2", "两个", "两", "二"}, {"three", "3", "三个", "三", "三"}, {"four", "4", "四个", "四", "四"}};
      for (const std::string_view number : kNumbers[i - 2]) add_chinese(number, Meaning::kNumber, i);
    }
    words(Meaning::kNumber, 2, {"a pair of", "a couple of", "several", "some", "一对", "几个"});
    words(Meaning::kOnTopOf, 0,
          {"on top of", "rests on top of", "is on top of", "sits on", "sitting on", "stands on", "standing on",
           "rests on", "resting on", "above"});
    words(Meaning::kUnder, 0, {"under", "below", "is under", "is below", "beneath"});
    words(Meaning::kLeftOf, 0, {"to the left of", "is to the left of", "left of", "is left of", "beside", "next to"});
    words(Meaning::kRightOf, 0, {"to the right of", "is to the right of", "right of", "is right of"});
    words(Meaning::kOnTopOf, 1, {"上面", "上方"});
    words(Meaning::kUnder, 1, {"下面", "下方"});
    words(Meaning::kLeftOf, 1, {"左边", "左面", "旁边"});
    words(Meaning::kRightOf, 1, {"右边", "右面"});
    words(Meaning::kHitBy, 0, {"is hit by", "are hit by", "hit by", "gets hit by", "被"});
    words(Meaning::kCollide, 0,
          {"collide", "colliding", "crash", "meet", "bump into each other", "hit each other", "相撞", "碰撞"});
    words(Meaning::kIt, 0, {"it", "they", "它", "它们"});
    words(Meaning::kThen, 0,
          {"then", "and then", "after that", "afterwards", "next", "later", "finally", "然后", "接着", "随后", "之后",
           "最后"});
    words(Meaning::kEarlier, 0, {"在此之前", "before that", "之前"});
    words(Meaning::kAfter, 0, {"after", "once"});
    words(Meaning::kBefore, 0, {"before"});
    words(Meaning::kComma, 0, {",", "，", "、", ";", "；", ":"});
    words(Meaning::kStop, 0, {".", "。", "!", "！", "?", "？"});
    words(Meaning::kAnd, 0, {"and", "with", "和", "与", "跟", "还有", "&", "+"});
    words(Meaning::kNothing, 0,
          {"is",     "are",     "was",   "in",    "on",     "of",    "at",    "to",      "by",     "into",    "onto",
           "while",  "as",      "there", "also",  "first",  "which", "that",  "who",     "video",  "picture", "image",
           "clip",   "movie",   "film",  "scene", "shot",   "show",  "shows", "showing", "camera", "ground",  "sky",
           "slowly", "quickly", "fast",  "slow",  "again",  "very",  "its",   "from",    "over",   "through", "around",
           "each",   "other",   "both",  "make",  "please", "的",    "了",    "着",      "在",     "上",      "下",
           "里",     "中",      "一",    "个",    "只",     "颗",    "块",    "是",      "有",     "都",      "从",
           "把",     "地",      "面",    "时",    "并",     "且",    "也",    "先",      "来",     "去",      "到",
           "色",     "一个",    "一只",  "一颗",  "一块",   "同时",  "先是",  "视频"});
  }

  std::map<std::string, Sense> phrases_;
  std::size_t longest_ = 1;
};

}  // namespace

std::vector<Word> read_words(std::string_view text) {
  static const Lexicon lexicon;
  const std::vector<Token> tokens = tokens_of(text.substr(0, kMostBytes));
  std::vector<Word> words;
  for (std::size_t i = 0; i < tokens.size();) {
    Sense sense;
    const std::size_t count = lexicon.longest(tokens, i, sense);
    Word word;
    word.known_one = tokens[i].known_one;
    word.new_one = tokens[i].new_one;
    if (count == 0) {
      word.text = tokens[i].as_written;
    } else {
      word.meaning = sense.meaning;
      word.value = sense.value;
    }
    words.push_back(std::move(word));
    i += std::max<std::size_t>(count, 1);
  }
  return words;
}

}  // namespace starling::train::world
