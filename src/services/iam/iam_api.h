// The operations of IAM, over the room's state.
#pragma once

#include "aws/iam/api.h"
#include "services/iam/state.h"

namespace lambari::iam {

class IamApi final : public aws::iam::AbstractService {
 public:
  explicit IamApi(State& state) : state_(state) {}

  // access.cc
  async::Task<contracts::AccessRequest> access(const wire::Call& call, const wire::Operation& operation,
                                               const void* request) override;

  // roles.cc
  async::Task<aws::iam::CreateRoleResponse> CreateRole(const wire::Call& call, aws::iam::CreateRoleRequest request) override;
  async::Task<aws::iam::GetRoleResponse> GetRole(const wire::Call& call, aws::iam::GetRoleRequest request) override;
  async::Task<aws::iam::ListRolesResponse> ListRoles(const wire::Call& call, aws::iam::ListRolesRequest request) override;
  async::Task<aws::iam::UpdateRoleResponse> UpdateRole(const wire::Call& call, aws::iam::UpdateRoleRequest request) override;
  async::Task<aws::iam::UpdateRoleDescriptionResponse> UpdateRoleDescription(
      const wire::Call& call, aws::iam::UpdateRoleDescriptionRequest request) override;
  async::Task<> UpdateAssumeRolePolicy(const wire::Call& call, aws::iam::UpdateAssumeRolePolicyRequest request) override;
  async::Task<> DeleteRole(const wire::Call& call, aws::iam::DeleteRoleRequest request) override;
  async::Task<aws::iam::CreateServiceLinkedRoleResponse> CreateServiceLinkedRole(
      const wire::Call& call, aws::iam::CreateServiceLinkedRoleRequest request) override;
  async::Task<aws::iam::ListInstanceProfilesForRoleResponse> ListInstanceProfilesForRole(
      const wire::Call& call, aws::iam::ListInstanceProfilesForRoleRequest request) override;

  // users.cc
  async::Task<aws::iam::CreateUserResponse> CreateUser(const wire::Call& call, aws::iam::CreateUserRequest request) override;
  async::Task<aws::iam::GetUserResponse> GetUser(const wire::Call& call, aws::iam::GetUserRequest request) override;
  async::Task<aws::iam::ListUsersResponse> ListUsers(const wire::Call& call, aws::iam::ListUsersRequest request) override;
  async::Task<> UpdateUser(const wire::Call& call, aws::iam::UpdateUserRequest request) override;
  async::Task<> DeleteUser(const wire::Call& call, aws::iam::DeleteUserRequest request) override;

  // groups.cc
  async::Task<aws::iam::CreateGroupResponse> CreateGroup(const wire::Call& call, aws::iam::CreateGroupRequest request) override;
  async::Task<aws::iam::GetGroupResponse> GetGroup(const wire::Call& call, aws::iam::GetGroupRequest request) override;
  async::Task<aws::iam::ListGroupsResponse> ListGroups(const wire::Call& call, aws::iam::ListGroupsRequest request) override;
  async::Task<> DeleteGroup(const wire::Call& call, aws::iam::DeleteGroupRequest request) override;
  async::Task<> AddUserToGroup(const wire::Call& call, aws::iam::AddUserToGroupRequest request) override;
  async::Task<> RemoveUserFromGroup(const wire::Call& call, aws::iam::RemoveUserFromGroupRequest request) override;
  async::Task<aws::iam::ListGroupsForUserResponse> ListGroupsForUser(const wire::Call& call,
                                                                     aws::iam::ListGroupsForUserRequest request) override;

  // policies.cc
  async::Task<aws::iam::CreatePolicyResponse> CreatePolicy(const wire::Call& call,
                                                           aws::iam::CreatePolicyRequest request) override;
  async::Task<aws::iam::GetPolicyResponse> GetPolicy(const wire::Call& call, aws::iam::GetPolicyRequest request) override;
  async::Task<aws::iam::ListPoliciesResponse> ListPolicies(const wire::Call& call,
                                                           aws::iam::ListPoliciesRequest request) override;
  async::Task<> DeletePolicy(const wire::Call& call, aws::iam::DeletePolicyRequest request) override;
  async::Task<aws::iam::CreatePolicyVersionResponse> CreatePolicyVersion(const wire::Call& call,
                                                                         aws::iam::CreatePolicyVersionRequest request) override;
  async::Task<aws::iam::GetPolicyVersionResponse> GetPolicyVersion(const wire::Call& call,
                                                                   aws::iam::GetPolicyVersionRequest request) override;
  async::Task<aws::iam::ListPolicyVersionsResponse> ListPolicyVersions(const wire::Call& call,
                                                                       aws::iam::ListPolicyVersionsRequest request) override;
  async::Task<> DeletePolicyVersion(const wire::Call& call, aws::iam::DeletePolicyVersionRequest request) override;
  async::Task<> SetDefaultPolicyVersion(const wire::Call& call, aws::iam::SetDefaultPolicyVersionRequest request) override;
  async::Task<aws::iam::ListEntitiesForPolicyResponse> ListEntitiesForPolicy(
      const wire::Call& call, aws::iam::ListEntitiesForPolicyRequest request) override;

  // inline_policies.cc
  async::Task<> PutRolePolicy(const wire::Call& call, aws::iam::PutRolePolicyRequest request) override;
  async::Task<aws::iam::GetRolePolicyResponse> GetRolePolicy(const wire::Call& call,
                                                             aws::iam::GetRolePolicyRequest request) override;
  async::Task<aws::iam::ListRolePoliciesResponse> ListRolePolicies(const wire::Call& call,
                                                                   aws::iam::ListRolePoliciesRequest request) override;
  async::Task<> DeleteRolePolicy(const wire::Call& call, aws::iam::DeleteRolePolicyRequest request) override;
  async::Task<> PutUserPolicy(const wire::Call& call, aws::iam::PutUserPolicyRequest request) override;
  async::Task<aws::iam::GetUserPolicyResponse> GetUserPolicy(const wire::Call& call,
                                                             aws::iam::GetUserPolicyRequest request) override;
  async::Task<aws::iam::ListUserPoliciesResponse> ListUserPolicies(const wire::Call& call,
                                                                   aws::iam::ListUserPoliciesRequest request) override;
  async::Task<> DeleteUserPolicy(const wire::Call& call, aws::iam::DeleteUserPolicyRequest request) override;
  async::Task<> PutGroupPolicy(const wire::Call& call, aws::iam::PutGroupPolicyRequest request) override;
  async::Task<aws::iam::GetGroupPolicyResponse> GetGroupPolicy(const wire::Call& call,
                                                               aws::iam::GetGroupPolicyRequest request) override;
  async::Task<aws::iam::ListGroupPoliciesResponse> ListGroupPolicies(const wire::Call& call,
                                                                     aws::iam::ListGroupPoliciesRequest request) override;
  async::Task<> DeleteGroupPolicy(const wire::Call& call, aws::iam::DeleteGroupPolicyRequest request) override;

  // attachments.cc
  async::Task<> AttachRolePolicy(const wire::Call& call, aws::iam::AttachRolePolicyRequest request) override;
  async::Task<> DetachRolePolicy(const wire::Call& call, aws::iam::DetachRolePolicyRequest request) override;
  async::Task<aws::iam::ListAttachedRolePoliciesResponse> ListAttachedRolePolicies(
      const wire::Call& call, aws::iam::ListAttachedRolePoliciesRequest request) override;
  async::Task<> PutRolePermissionsBoundary(const wire::Call& call, aws::iam::PutRolePermissionsBoundaryRequest request) override;
  async::Task<> DeleteRolePermissionsBoundary(const wire::Call& call,
                                              aws::iam::DeleteRolePermissionsBoundaryRequest request) override;
  async::Task<> AttachUserPolicy(const wire::Call& call, aws::iam::AttachUserPolicyRequest request) override;
  async::Task<> DetachUserPolicy(const wire::Call& call, aws::iam::DetachUserPolicyRequest request) override;
  async::Task<aws::iam::ListAttachedUserPoliciesResponse> ListAttachedUserPolicies(
      const wire::Call& call, aws::iam::ListAttachedUserPoliciesRequest request) override;
  async::Task<> PutUserPermissionsBoundary(const wire::Call& call, aws::iam::PutUserPermissionsBoundaryRequest request) override;
  async::Task<> DeleteUserPermissionsBoundary(const wire::Call& call,
                                              aws::iam::DeleteUserPermissionsBoundaryRequest request) override;
  async::Task<> AttachGroupPolicy(const wire::Call& call, aws::iam::AttachGroupPolicyRequest request) override;
  async::Task<> DetachGroupPolicy(const wire::Call& call, aws::iam::DetachGroupPolicyRequest request) override;
  async::Task<aws::iam::ListAttachedGroupPoliciesResponse> ListAttachedGroupPolicies(
      const wire::Call& call, aws::iam::ListAttachedGroupPoliciesRequest request) override;

  // tags.cc
  async::Task<> TagRole(const wire::Call& call, aws::iam::TagRoleRequest request) override;
  async::Task<> UntagRole(const wire::Call& call, aws::iam::UntagRoleRequest request) override;
  async::Task<aws::iam::ListRoleTagsResponse> ListRoleTags(const wire::Call& call,
                                                           aws::iam::ListRoleTagsRequest request) override;
  async::Task<> TagPolicy(const wire::Call& call, aws::iam::TagPolicyRequest request) override;
  async::Task<> UntagPolicy(const wire::Call& call, aws::iam::UntagPolicyRequest request) override;
  async::Task<aws::iam::ListPolicyTagsResponse> ListPolicyTags(const wire::Call& call,
                                                               aws::iam::ListPolicyTagsRequest request) override;
  async::Task<> TagUser(const wire::Call& call, aws::iam::TagUserRequest request) override;
  async::Task<> UntagUser(const wire::Call& call, aws::iam::UntagUserRequest request) override;
  async::Task<aws::iam::ListUserTagsResponse> ListUserTags(const wire::Call& call,
                                                           aws::iam::ListUserTagsRequest request) override;

  // access_keys.cc
  async::Task<aws::iam::CreateAccessKeyResponse> CreateAccessKey(const wire::Call& call,
                                                                 aws::iam::CreateAccessKeyRequest request) override;
  async::Task<aws::iam::ListAccessKeysResponse> ListAccessKeys(const wire::Call& call,
                                                               aws::iam::ListAccessKeysRequest request) override;
  async::Task<> UpdateAccessKey(const wire::Call& call, aws::iam::UpdateAccessKeyRequest request) override;
  async::Task<> DeleteAccessKey(const wire::Call& call, aws::iam::DeleteAccessKeyRequest request) override;
  async::Task<aws::iam::GetAccessKeyLastUsedResponse> GetAccessKeyLastUsed(
      const wire::Call& call, aws::iam::GetAccessKeyLastUsedRequest request) override;

  // account.cc
  async::Task<aws::iam::GetAccountSummaryResponse> GetAccountSummary(const wire::Call& call) override;
  async::Task<aws::iam::ListAccountAliasesResponse> ListAccountAliases(const wire::Call& call,
                                                                       aws::iam::ListAccountAliasesRequest request) override;
  async::Task<> CreateAccountAlias(const wire::Call& call, aws::iam::CreateAccountAliasRequest request) override;
  async::Task<> DeleteAccountAlias(const wire::Call& call, aws::iam::DeleteAccountAliasRequest request) override;

  // simulate.cc
  async::Task<aws::iam::SimulatePolicyResponse> SimulatePrincipalPolicy(
      const wire::Call& call, aws::iam::SimulatePrincipalPolicyRequest request) override;
  async::Task<aws::iam::SimulatePolicyResponse> SimulateCustomPolicy(const wire::Call& call,
                                                                     aws::iam::SimulateCustomPolicyRequest request) override;

 private:
  State& state_;
};

}  // namespace lambari::iam
