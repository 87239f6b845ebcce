#include "store/memory_engine.h"

#include <mutex>

#include "store/committer.h"
#include "store/engines.h"

namespace lambari::store {
namespace {

struct Node;
using Tree = std::shared_ptr<const Node>;
using Pair = std::shared_ptr<const KeyValue>;

// Immutable. Keys are in search order; the weight of a node is not less than its children's, and a hash of its key, so that the
// shape depends on the keys alone and the depth stays logarithmic.
struct Node {
  Pair pair;
  std::size_t weight;
  Tree left, right;
};

Tree node(const Node& like, Tree left, Tree right) {
  return std::make_shared<const Node>(Node{like.pair, like.weight, std::move(left), std::move(right)});
}

// Those before `key`, and the rest.
std::pair<Tree, Tree> split(const Tree& tree, std::string_view key) {
  if (!tree) return {};
  if (tree->pair->key < key) {
    auto [low, high] = split(tree->right, key);
    return {node(*tree, tree->left, std::move(low)), std::move(high)};
  }
  auto [low, high] = split(tree->left, key);
  return {std::move(low), node(*tree, std::move(high), tree->right)};
}

// Every key of `low` is before every key of `high`.
Tree join(const Tree& low, const Tree& high) {
  if (!low) return high;
  if (!high) return low;
  if (low->weight >= high->weight) return node(*low, low->left, join(low->right, high));
  return node(*high, join(low, high->left), high->right);
}

Tree erased(const Tree& tree, const Range& range) {
  auto [low, rest] = split(tree, range.begin);
  return range.end.empty() ? low : join(low, split(rest, range.end).second);
}

Tree erased(const Tree& tree, std::string_view key) {
  if (!tree) return tree;
  if (key == tree->pair->key) return join(tree->left, tree->right);
  const bool left = key < tree->pair->key;
  const auto& child = left ? tree->left : tree->right;
  auto changed = erased(child, key);
  if (changed == child) return tree;
  return left ? node(*tree, std::move(changed), tree->right) : node(*tree, tree->left, std::move(changed));
}

Tree with(const Tree& tree, const Pair& pair, std::size_t weight) {
  if (!tree || (tree->weight < weight && tree->pair->key != pair->key)) {
    auto [low, high] = split(tree, pair->key);
    // The key's own node would weigh as much, so it is not below this one.
    return std::make_shared<const Node>(Node{pair, weight, std::move(low), std::move(high)});
  }
  if (pair->key == tree->pair->key) return std::make_shared<const Node>(Node{pair, weight, tree->left, tree->right});
  return pair->key < tree->pair->key ? node(*tree, with(tree->left, pair, weight), tree->right)
                                     : node(*tree, tree->left, with(tree->right, pair, weight));
}

void collect(const Tree& tree, const Range& range, std::size_t limit, bool up, std::vector<KeyValue>& out) {
  if (!tree || out.size() >= limit) return;
  const bool above = range.begin <= tree->pair->key;
  const bool below = ends_after(range.end, tree->pair->key);
  if (up ? above : below) collect(up ? tree->left : tree->right, range, limit, up, out);
  if (above && below && out.size() < limit) out.push_back(*tree->pair);
  if (up ? below : above) collect(up ? tree->right : tree->left, range, limit, up, out);
}

class MemoryReader final : public Reader {
 public:
  explicit MemoryReader(Tree root) : root_(std::move(root)) {}

  std::optional<std::string> get(std::string_view key) override {
    const Node* at = root_.get();
    while (at) {
      int order = key.compare(at->pair->key);
      if (order == 0) return at->pair->value;
      at = (order < 0 ? at->left : at->right).get();
    }
    return std::nullopt;
  }

  std::vector<KeyValue> scan(const Range& range, std::size_t limit, Order order) override {
    std::vector<KeyValue> out;
    if (!is_empty(range)) collect(root_, range, limit, order == Order::ascending, out);
    return out;
  }

 private:
  Tree root_;
};

class MemoryEngine final : public Engine {
 public:
  std::unique_ptr<Reader> snapshot() override {
    std::lock_guard lock(mutex_);
    return std::make_unique<MemoryReader>(root_);
  }

  void apply(const WriteSet& writes) override {
    Tree next;
    {
      std::lock_guard lock(mutex_);
      next = root_;
    }
    for (const auto& [begin, end] : writes.ranges()) next = erased(next, Range{begin, end});
    for (const auto& [key, value] : writes.points()) {
      if (value) {
        next = with(next, std::make_shared<const KeyValue>(KeyValue{key, *value}), std::hash<std::string>()(key));
      } else {
        next = erased(next, key);
      }
    }
    std::lock_guard lock(mutex_);
    root_.swap(next);
  }

 private:
  std::mutex mutex_;
  Tree root_;  // guarded by mutex_
};

}  // namespace

std::unique_ptr<Engine> memory_engine() { return std::make_unique<MemoryEngine>(); }

std::unique_ptr<Store> open_memory() { return open_store(memory_engine()); }

}  // namespace lambari::store
