#include "services/iam/keys.h"

namespace lambari::iam::keys {

bool read_attachment(std::string_view key, std::string& arn, std::string& use, std::string& kind, std::string& name) {
  store::KeyReader reader(key);
  std::string table, account;
  return reader.text(table) && reader.text(account) && reader.text(arn) && reader.text(use) && reader.text(kind) &&
         reader.text(name) && reader.done();
}

bool read_member(std::string_view key, std::string& user) {
  store::KeyReader reader(key);
  std::string table, account, group;
  return reader.text(table) && reader.text(account) && reader.text(group) && reader.text(user) && reader.done();
}

bool read_key_of(std::string_view key, std::string& id) {
  store::KeyReader reader(key);
  std::string table, account, user;
  return reader.text(table) && reader.text(account) && reader.text(user) && reader.text(id) && reader.done();
}

}  // namespace lambari::iam::keys
