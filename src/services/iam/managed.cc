// The table of AWS managed policies. Documents are as AWS publishes them, with a few exceptions, which are narrower than
// AWS's: ReadOnlyAccess names fewer services, AmazonDynamoDBFullAccess(_v2) and AmazonDynamoDBReadOnlyAccess leave out
// statements about services that are not here, AmazonSNSFullAccess and AmazonSNSReadOnlyAccess those about sms-voice.
// https://docs.aws.amazon.com/aws-managed-policy/latest/reference/
#include "services/iam/managed.h"

#include <algorithm>
#include <string>

namespace lambari::iam {

namespace {

// In order of name.
constexpr AwsPolicy kPolicies[] = {
    {"AWSAppSyncPushToCloudWatchLogs", "/service-role/", 1, "Allows AppSync to push logs to user's CloudWatch account.",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["logs:CreateLogGroup","logs:CreateLogStream",)"
     R"("logs:PutLogEvents"],"Resource":"*"}]})"},
    {"AWSCloudFormationFullAccess", "/", 1, "Provides full access to AWS CloudFormation.",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["cloudformation:*"],"Resource":"*"}]})"},
    {"AWSCloudFormationReadOnlyAccess", "/", 7, "Provides access to AWS CloudFormation via the AWS Management Console.",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["cloudformation:Describe*",)"
     R"("cloudformation:BatchDescribe*","cloudformation:EstimateTemplateCost","cloudformation:Get*",)"
     R"("cloudformation:List*","cloudformation:ValidateTemplate","cloudformation:Detect*"],"Resource":"*"}]})"},
    {"AWSCodeDeployRoleForLambda", "/service-role/", 3,
     "Provides CodeDeploy service access to perform a Lambda deployment on your behalf.",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["cloudwatch:DescribeAlarms",)"
     R"("lambda:UpdateAlias","lambda:GetAlias","lambda:GetProvisionedConcurrencyConfig","sns:Publish"],"Resource":"*"},)"
     R"({"Effect":"Allow","Action":["s3:GetObject","s3:GetObjectVersion"],"Resource":"arn:aws:s3:::*/CodeDeploy/*"},)"
     R"({"Effect":"Allow","Action":["s3:GetObject","s3:GetObjectVersion"],"Resource":"*",)"
     R"("Condition":{"StringEquals":{"s3:ExistingObjectTag/UseWithCodeDeploy":"true"}}},{"Effect":"Allow",)"
     R"("Action":["lambda:InvokeFunction"],"Resource":"arn:aws:lambda:*:*:function:CodeDeployHook_*"}]})"},
    {"AWSDenyAll", "/", 2, "Deny all access.",
     R"({"Version":"2012-10-17","Statement":[{"Sid":"DenyAll","Effect":"Deny","Action":["*"],"Resource":"*"}]})"},
    {"AWSLambdaBasicExecutionRole", "/service-role/", 1, "Provides write permissions to CloudWatch Logs.",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["logs:CreateLogGroup","logs:CreateLogStream",)"
     R"("logs:PutLogEvents"],"Resource":"*"}]})"},
    {"AWSLambdaDynamoDBExecutionRole", "/service-role/", 1,
     "Provides list and read access to DynamoDB streams and write permissions to CloudWatch logs.",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["dynamodb:DescribeStream",)"
     R"("dynamodb:GetRecords","dynamodb:GetShardIterator","dynamodb:ListStreams","logs:CreateLogGroup",)"
     R"("logs:CreateLogStream","logs:PutLogEvents"],"Resource":"*"}]})"},
    {"AWSLambdaENIManagementAccess", "/service-role/", 2,
     "Provides minimum permissions for a Lambda function to manage ENIs (create, describe, delete) used by "
     "a VPC-enabled Lambda Function.",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["ec2:CreateNetworkInterface",)"
     R"("ec2:DescribeNetworkInterfaces","ec2:DeleteNetworkInterface","ec2:AssignPrivateIpAddresses",)"
     R"("ec2:UnassignPrivateIpAddresses"],"Resource":"*"}]})"},
    {"AWSLambdaExecute", "/", 1, "Provides Put, Get access to S3 and full access to CloudWatch Logs.",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["logs:*"],"Resource":"arn:aws:logs:*:*:*"},)"
     R"({"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::*"}]})"},
    {"AWSLambdaInvocation-DynamoDB", "/", 1, "Provides read access to DynamoDB Streams.",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["lambda:InvokeFunction"],"Resource":"*"},)"
     R"({"Effect":"Allow","Action":["dynamodb:DescribeStream","dynamodb:GetRecords","dynamodb:GetShardIterator",)"
     R"("dynamodb:ListStreams"],"Resource":"*"}]})"},
    {"AWSLambdaKinesisExecutionRole", "/service-role/", 2,
     "Provides list and read access to Kinesis streams and write permissions to CloudWatch logs.",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["kinesis:DescribeStream",)"
     R"("kinesis:DescribeStreamSummary","kinesis:GetRecords","kinesis:GetShardIterator","kinesis:ListShards",)"
     R"("kinesis:ListStreams","kinesis:SubscribeToShard","logs:CreateLogGroup","logs:CreateLogStream",)"
     R"("logs:PutLogEvents"],"Resource":"*"}]})"},
    {"AWSLambdaMSKExecutionRole", "/service-role/", 2,
     "Provides permissions required to access MSK Cluster within a VPC, manage ENIs (create, describe, "
     "delete) in the VPC and write permissions to CloudWatch Logs.",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["kafka:DescribeCluster",)"
     R"("kafka:DescribeClusterV2","kafka:GetBootstrapBrokers","ec2:CreateNetworkInterface",)"
     R"("ec2:DescribeNetworkInterfaces","ec2:DescribeVpcs","ec2:DeleteNetworkInterface","ec2:DescribeSubnets",)"
     R"("ec2:DescribeSecurityGroups","logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"],"Resource":"*"}]})"},
    {"AWSLambdaRole", "/service-role/", 1, "Default policy for AWS Lambda service role.",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["lambda:InvokeFunction"],"Resource":["*"]}]})"},
    {"AWSLambdaSQSQueueExecutionRole", "/service-role/", 1,
     "Provides receive message, delete message, and read attribute access to SQS queues, and write "
     "permissions to CloudWatch logs.",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sqs:ReceiveMessage","sqs:DeleteMessage",)"
     R"("sqs:GetQueueAttributes","logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"],"Resource":"*"}]})"},
    {"AWSLambdaVPCAccessExecutionRole", "/service-role/", 3,
     "Provides minimum permissions for a Lambda function to execute while accessing a resource within a "
     "VPC - create, describe, delete network interfaces and write permissions to CloudWatch Logs.",
     R"({"Version":"2012-10-17","Statement":[{"Sid":"AWSLambdaVPCAccessExecutionPermissions","Effect":"Allow",)"
     R"("Action":["logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents","ec2:CreateNetworkInterface",)"
     R"("ec2:DescribeNetworkInterfaces","ec2:DescribeSubnets","ec2:DeleteNetworkInterface",)"
     R"("ec2:AssignPrivateIpAddresses","ec2:UnassignPrivateIpAddresses"],"Resource":"*"}]})"},
    {"AWSLambda_FullAccess", "/", 7,
     "Grants full access to AWS Lambda service, AWS Lambda console features, and other related AWS "
     "services.",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["cloudformation:DescribeStacks",)"
     R"("cloudformation:ListStackResources","cloudwatch:ListMetrics","cloudwatch:GetMetricData",)"
     R"("ec2:DescribeSecurityGroups","ec2:DescribeSubnets","ec2:DescribeVpcs","kms:DescribeKey","kms:ListAliases",)"
     R"("iam:GetPolicy","iam:GetPolicyVersion","iam:GetRole","iam:GetRolePolicy","iam:ListAttachedRolePolicies",)"
     R"("iam:ListRolePolicies","iam:ListRoles","lambda:*","logs:DescribeLogGroups","states:DescribeStateMachine",)"
     R"("states:ListStateMachines","tag:GetResources","xray:GetTraceSummaries","xray:BatchGetTraces"],"Resource":"*"},)"
     R"({"Effect":"Allow","Action":"iam:PassRole","Resource":"*",)"
     R"("Condition":{"StringEquals":{"iam:PassedToService":"lambda.amazonaws.com"}}},{"Effect":"Allow",)"
     R"("Action":["logs:DescribeLogStreams","logs:GetLogEvents","logs:FilterLogEvents","logs:StartLiveTail",)"
     R"("logs:StopLiveTail"],"Resource":"arn:aws:logs:*:*:log-group:/aws/lambda/*"},{"Effect":"Allow",)"
     R"("Action":"iam:CreateServiceLinkedRole",)"
     R"("Resource":"arn:aws:iam::*:role/aws-service-role/lambda.amazonaws.com/AWSServiceRoleForLambda",)"
     R"("Condition":{"StringEquals":{"iam:AWSServiceName":"lambda.amazonaws.com"}}}]})"},
    {"AWSLambda_ReadOnlyAccess", "/", 5,
     "Grants read-only access to AWS Lambda service, AWS Lambda console features, and other related AWS "
     "services.",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["cloudformation:DescribeStacks",)"
     R"("cloudformation:ListStacks","cloudformation:ListStackResources","cloudwatch:GetMetricData",)"
     R"("cloudwatch:ListMetrics","ec2:DescribeSecurityGroups","ec2:DescribeSubnets","ec2:DescribeVpcs",)"
     R"("kms:ListAliases","iam:GetPolicy","iam:GetPolicyVersion","iam:GetRole","iam:GetRolePolicy",)"
     R"("iam:ListAttachedRolePolicies","iam:ListRolePolicies","iam:ListRoles","logs:DescribeLogGroups","lambda:Get*",)"
     R"("lambda:List*","states:DescribeStateMachine","states:ListStateMachines","tag:GetResources",)"
     R"("xray:GetTraceSummaries","xray:BatchGetTraces"],"Resource":"*"},{"Effect":"Allow",)"
     R"("Action":["logs:DescribeLogStreams","logs:GetLogEvents","logs:FilterLogEvents","logs:StartQuery",)"
     R"("logs:StopQuery","logs:DescribeQueries","logs:GetLogGroupFields","logs:GetLogRecord","logs:GetQueryResults",)"
     R"("logs:StartLiveTail","logs:StopLiveTail"],"Resource":"arn:aws:logs:*:*:log-group:/aws/lambda/*"}]})"},
    {"AWSStepFunctionsFullAccess", "/", 1, "An access policy for providing a user/role/etc access to the AWS StepFunctions API.",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"states:*","Resource":"*"}]})"},
    {"AWSStepFunctionsReadOnlyAccess", "/", 4,
     "An access policy for providing a user/role/etc read only access to the AWS StepFunctions service.",
     R"({"Version":"2012-10-17","Statement":[{"Sid":"ReadOnlyAccess","Effect":"Allow",)"
     R"("Action":["states:ListStateMachines","states:ListActivities","states:DescribeStateMachine",)"
     R"("states:DescribeStateMachineForExecution","states:ListExecutions","states:DescribeExecution",)"
     R"("states:GetExecutionHistory","states:DescribeActivity","states:ListTagsForResource","states:DescribeMapRun",)"
     R"("states:ListMapRuns","states:DescribeStateMachineAlias","states:ListStateMachineAliases",)"
     R"("states:ListStateMachineVersions","states:ValidateStateMachineDefinition"],"Resource":"*"}]})"},
    {"AWSXRayDaemonWriteAccess", "/", 2,
     "Allow the AWS X-Ray Daemon to relay raw trace segments data to the service's API and retrieve "
     "sampling data (rules, targets, etc.) to be used by the X-Ray SDK.",
     R"({"Version":"2012-10-17","Statement":[{"Sid":"AWSXRayDaemonWriteAccess","Effect":"Allow",)"
     R"("Action":["xray:PutTraceSegments","xray:PutTelemetryRecords","xray:GetSamplingRules","xray:GetSamplingTargets",)"
     R"("xray:GetSamplingStatisticSummaries"],"Resource":["*"]}]})"},
    {"AWSXrayFullAccess", "/", 2, "AWS X-Ray full access managed policy.",
     R"({"Version":"2012-10-17","Statement":[{"Sid":"AWSXrayFullAccess","Effect":"Allow","Action":["xray:*"],)"
     R"("Resource":["*"]}]})"},
    {"AWSXrayReadOnlyAccess", "/", 8, "AWS X-Ray read only managed policy.",
     R"({"Version":"2012-10-17","Statement":[{"Sid":"AWSXrayReadOnlyAccess","Effect":"Allow",)"
     R"("Action":["xray:GetSamplingRules","xray:GetSamplingTargets","xray:GetSamplingStatisticSummaries",)"
     R"("xray:BatchGetTraces","xray:BatchGetTraceSummaryById","xray:GetDistinctTraceGraphs","xray:GetServiceGraph",)"
     R"("xray:GetTraceGraph","xray:GetTraceSummaries","xray:GetGroups","xray:GetGroup","xray:ListTagsForResource",)"
     R"("xray:ListResourcePolicies","xray:GetTimeSeriesServiceStatistics","xray:GetInsightSummaries","xray:GetInsight",)"
     R"("xray:GetInsightEvents","xray:GetInsightImpactGraph"],"Resource":["*"]}]})"},
    {"AWSXrayWriteOnlyAccess", "/", 2, "AWS X-Ray write only managed policy.",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["xray:PutTraceSegments",)"
     R"("xray:PutTelemetryRecords","xray:GetSamplingRules","xray:GetSamplingTargets",)"
     R"("xray:GetSamplingStatisticSummaries"],"Resource":["*"]}]})"},
    {"AdministratorAccess", "/", 1, "Provides full access to AWS services and resources.",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]})"},
    {"AmazonAPIGatewayAdministrator", "/", 1,
     "Provides full access to create/edit/delete APIs in Amazon API Gateway via the AWS Management "
     "Console.",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["apigateway:*"],)"
     R"("Resource":"arn:aws:apigateway:*::/*"}]})"},
    {"AmazonAPIGatewayInvokeFullAccess", "/", 2, "Provides full access to invoke APIs in Amazon API Gateway.",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["execute-api:Invoke",)"
     R"("execute-api:ManageConnections"],"Resource":"arn:aws:execute-api:*:*:*"}]})"},
    {"AmazonAPIGatewayPushToCloudWatchLogs", "/service-role/", 1, "Allows API Gateway to push logs to user's account.",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["logs:CreateLogGroup","logs:CreateLogStream",)"
     R"("logs:DescribeLogGroups","logs:DescribeLogStreams","logs:PutLogEvents","logs:GetLogEvents",)"
     R"("logs:FilterLogEvents"],"Resource":"*"}]})"},
    {"AmazonDynamoDBFullAccess", "/", 15, "Provides full access to Amazon DynamoDB via the AWS Management Console.",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["dynamodb:*","dax:*",)"
     R"("application-autoscaling:DeleteScalingPolicy","application-autoscaling:DeregisterScalableTarget",)"
     R"("application-autoscaling:DescribeScalableTargets","application-autoscaling:DescribeScalingActivities",)"
     R"("application-autoscaling:DescribeScalingPolicies","application-autoscaling:PutScalingPolicy",)"
     R"("application-autoscaling:RegisterScalableTarget","cloudwatch:DeleteAlarms","cloudwatch:DescribeAlarmHistory",)"
     R"("cloudwatch:DescribeAlarms","cloudwatch:DescribeAlarmsForMetric","cloudwatch:GetMetricStatistics",)"
     R"("cloudwatch:ListMetrics","cloudwatch:PutMetricAlarm","cloudwatch:GetMetricData","ec2:DescribeVpcs",)"
     R"("ec2:DescribeSubnets","ec2:DescribeSecurityGroups","iam:GetRole","iam:ListRoles","kms:DescribeKey",)"
     R"("kms:ListAliases","sns:CreateTopic","sns:DeleteTopic","sns:ListSubscriptions","sns:ListSubscriptionsByTopic",)"
     R"("sns:ListTopics","sns:Subscribe","sns:Unsubscribe","sns:SetTopicAttributes","lambda:CreateFunction",)"
     R"("lambda:ListFunctions","lambda:ListEventSourceMappings","lambda:CreateEventSourceMapping",)"
     R"("lambda:DeleteEventSourceMapping","lambda:GetFunctionConfiguration","lambda:DeleteFunction","tag:GetResources",)"
     R"("kinesis:ListStreams","kinesis:DescribeStream","kinesis:DescribeStreamSummary"],"Resource":"*"},)"
     R"({"Effect":"Allow","Action":"iam:PassRole","Resource":"*",)"
     R"("Condition":{"StringLike":{"iam:PassedToService":["application-autoscaling.amazonaws.com",)"
     R"("application-autoscaling.amazonaws.com.cn","dax.amazonaws.com"]}}},{"Effect":"Allow",)"
     R"("Action":["iam:CreateServiceLinkedRole"],"Resource":"*",)"
     R"("Condition":{"StringEquals":{"iam:AWSServiceName":["replication.dynamodb.amazonaws.com","dax.amazonaws.com",)"
     R"("dynamodb.application-autoscaling.amazonaws.com","contributorinsights.dynamodb.amazonaws.com",)"
     R"("kinesisreplication.dynamodb.amazonaws.com"]}}}]})"},
    {"AmazonDynamoDBFullAccess_v2", "/", 3, "Provides full access to Amazon DynamoDB.",
     R"({"Version":"2012-10-17","Statement":[{"Sid":"DDBAndDAXFullAccess","Effect":"Allow","Action":["dynamodb:*",)"
     R"("dax:*"],"Resource":"*"},{"Sid":"KMSIntegration","Effect":"Allow","Action":["kms:DescribeKey",)"
     R"("kms:ListAliases"],"Resource":"*"},{"Sid":"LambdaIntegration","Effect":"Allow",)"
     R"("Action":["lambda:ListEventSourceMappings","lambda:ListFunctions"],"Resource":"*"},{"Sid":"DaxSNSIntegration",)"
     R"("Effect":"Allow","Action":["sns:ListTopics"],"Resource":"*"},{"Sid":"TagManagement","Effect":"Allow",)"
     R"("Action":["tag:GetResources"],"Resource":"*"},{"Sid":"CloudwatchMonitoring","Effect":"Allow",)"
     R"("Action":["cloudwatch:DescribeAlarms","cloudwatch:GetMetricStatistics","cloudwatch:GetMetricData"],)"
     R"("Resource":"*"},{"Sid":"ListKinesisResources","Effect":"Allow","Action":["kinesis:ListStreams",)"
     R"("kinesis:DescribeStream","kinesis:DescribeStreamSummary"],"Resource":"*"}]})"},
    {"AmazonDynamoDBReadOnlyAccess", "/", 15, "Provides read only access to Amazon DynamoDB via the AWS Management Console.",
     R"({"Version":"2012-10-17","Statement":[{"Sid":"GeneralReadOnlyAccess","Effect":"Allow",)"
     R"("Action":["application-autoscaling:DescribeScalableTargets","application-autoscaling:DescribeScalingActivities",)"
     R"("application-autoscaling:DescribeScalingPolicies","cloudwatch:DescribeAlarmHistory","cloudwatch:DescribeAlarms",)"
     R"("cloudwatch:DescribeAlarmsForMetric","cloudwatch:GetMetricStatistics","cloudwatch:ListMetrics",)"
     R"("cloudwatch:GetMetricData","dynamodb:BatchGetItem","dynamodb:Describe*","dynamodb:List*",)"
     R"("dynamodb:GetAbacStatus","dynamodb:GetItem","dynamodb:GetResourcePolicy","dynamodb:Query","dynamodb:Scan",)"
     R"("dynamodb:PartiQLSelect","dax:Describe*","dax:List*","dax:GetItem","dax:BatchGetItem","dax:Query","dax:Scan",)"
     R"("iam:GetRole","iam:ListRoles","kms:DescribeKey","kms:ListAliases","sns:ListSubscriptionsByTopic",)"
     R"("sns:ListTopics","lambda:ListFunctions","lambda:ListEventSourceMappings","lambda:GetFunctionConfiguration",)"
     R"("tag:GetResources","kinesis:ListStreams","kinesis:DescribeStream","kinesis:DescribeStreamSummary"],)"
     R"("Resource":"*"}]})"},
    {"AmazonEventBridgeFullAccess", "/", 7, "Provides full access to Amazon EventBridge.",
     R"({"Version":"2012-10-17","Statement":[{"Sid":"EventBridgeActions","Effect":"Allow","Action":["events:*",)"
     R"("schemas:*","scheduler:*","pipes:*"],"Resource":"*"},{"Sid":"IAMCreateServiceLinkedRoleForApiDestinations",)"
     R"("Effect":"Allow","Action":"iam:CreateServiceLinkedRole",)"
     R"("Resource":"arn:aws:iam::*:role/aws-service-role/apidestinations.events.amazonaws.com/AWSServiceRoleForAmazonEve)"
     R"(ntBridgeApiDestinations",)"
     R"("Condition":{"StringEquals":{"iam:AWSServiceName":"apidestinations.events.amazonaws.com"}}},)"
     R"({"Sid":"IAMCreateServiceLinkedRoleForAmazonEventBridgeSchemas","Effect":"Allow",)"
     R"("Action":"iam:CreateServiceLinkedRole",)"
     R"("Resource":"arn:aws:iam::*:role/aws-service-role/schemas.amazonaws.com/AWSServiceRoleForSchemas",)"
     R"("Condition":{"StringEquals":{"iam:AWSServiceName":"schemas.amazonaws.com"}}},)"
     R"({"Sid":"SecretsManagerAccessForApiDestinations","Effect":"Allow","Action":["secretsmanager:CreateSecret",)"
     R"("secretsmanager:UpdateSecret","secretsmanager:DeleteSecret","secretsmanager:GetSecretValue",)"
     R"("secretsmanager:PutSecretValue"],"Resource":"arn:aws:secretsmanager:*:*:secret:events!*"},)"
     R"({"Sid":"IAMPassRoleAccessForEventBridge","Effect":"Allow","Action":"iam:PassRole",)"
     R"("Resource":"arn:aws:iam::*:role/*","Condition":{"StringLike":{"iam:PassedToService":"events.amazonaws.com"}}},)"
     R"({"Sid":"IAMPassRoleAccessForScheduler","Effect":"Allow","Action":"iam:PassRole",)"
     R"("Resource":"arn:aws:iam::*:role/*",)"
     R"("Condition":{"StringLike":{"iam:PassedToService":"scheduler.amazonaws.com"}}},)"
     R"({"Sid":"IAMPassRoleAccessForPipes","Effect":"Allow","Action":"iam:PassRole","Resource":"arn:aws:iam::*:role/*",)"
     R"("Condition":{"StringLike":{"iam:PassedToService":"pipes.amazonaws.com"}}}]})"},
    {"AmazonEventBridgePipesFullAccess", "/", 1, "Provides full access to Amazon EventBridge Pipes.",
     R"({"Version":"2012-10-17","Statement":[{"Sid":"EventBridgePipesActions","Effect":"Allow","Action":"pipes:*",)"
     R"("Resource":"*"},{"Sid":"IAMPassRoleAccessForPipes","Effect":"Allow","Action":"iam:PassRole",)"
     R"("Resource":"arn:aws:iam::*:role/*","Condition":{"StringLike":{"iam:PassedToService":"pipes.amazonaws.com"}}}]})"},
    {"AmazonEventBridgeSchedulerFullAccess", "/", 4, "Provides full access to Amazon EventBridge Scheduler.",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"scheduler:*","Resource":"*"},{"Effect":"Allow",)"
     R"("Action":"iam:PassRole","Resource":"arn:aws:iam::*:role/*",)"
     R"("Condition":{"StringLike":{"iam:PassedToService":"scheduler.amazonaws.com"}}}]})"},
    {"AmazonKinesisFullAccess", "/", 1, "Provides full access to all streams via the AWS Management Console.",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kinesis:*","Resource":"*"}]})"},
    {"AmazonKinesisReadOnlyAccess", "/", 1, "Provides read only access to all streams via the AWS Management Console.",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["kinesis:Get*","kinesis:List*",)"
     R"("kinesis:Describe*"],"Resource":"*"}]})"},
    {"AmazonS3FullAccess", "/", 2, "Provides full access to all buckets via the AWS Management Console.",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*","s3-object-lambda:*"],"Resource":"*"}]})"},
    {"AmazonS3ReadOnlyAccess", "/", 3, "Provides read only access to all buckets via the AWS Management Console.",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:Get*","s3:List*","s3:Describe*",)"
     R"("s3-object-lambda:Get*","s3-object-lambda:List*"],"Resource":"*"}]})"},
    {"AmazonSESFullAccess", "/", 1, "Provides full access to Amazon SES via the AWS Management Console.",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["ses:*"],"Resource":"*"}]})"},
    {"AmazonSNSFullAccess", "/", 2, "Provides full access to Amazon SNS via the AWS Management Console.",
     R"({"Version":"2012-10-17","Statement":[{"Sid":"SNSFullAccess","Effect":"Allow","Action":"sns:*","Resource":"*"}]})"},
    {"AmazonSNSReadOnlyAccess", "/", 2, "Provides read only access to Amazon SNS via the AWS Management Console.",
     R"({"Version":"2012-10-17","Statement":[{"Sid":"SNSReadOnlyAccess","Effect":"Allow",)"
     R"("Action":["sns:GetTopicAttributes","sns:List*","sns:CheckIfPhoneNumberIsOptedOut","sns:GetEndpointAttributes",)"
     R"("sns:GetDataProtectionPolicy","sns:GetPlatformApplicationAttributes","sns:GetSMSAttributes",)"
     R"("sns:GetSMSSandboxAccountStatus","sns:GetSubscriptionAttributes"],"Resource":"*"}]})"},
    {"AmazonSNSRole", "/service-role/", 1, "Default policy for Amazon SNS service role.",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["logs:CreateLogGroup","logs:CreateLogStream",)"
     R"("logs:PutLogEvents","logs:PutMetricFilter","logs:PutRetentionPolicy"],"Resource":["*"]}]})"},
    {"AmazonSQSFullAccess", "/", 1, "Provides full access to Amazon SQS via the AWS Management Console.",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sqs:*"],"Resource":"*"}]})"},
    {"AmazonSQSReadOnlyAccess", "/", 4, "Provides read only access to Amazon SQS via the AWS Management Console.",
     R"({"Version":"2012-10-17","Statement":[{"Sid":"AmazonSQSReadOnlyAccess","Effect":"Allow",)"
     R"("Action":["sqs:GetQueueAttributes","sqs:GetQueueUrl","sqs:ListDeadLetterSourceQueues","sqs:ListQueues",)"
     R"("sqs:ListMessageMoveTasks","sqs:ListQueueTags"],"Resource":"*"}]})"},
    {"AmazonSSMReadOnlyAccess", "/", 1, "Provides read only access to Amazon SSM.",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["ssm:Describe*","ssm:Get*","ssm:List*"],)"
     R"("Resource":"*"}]})"},
    {"CloudWatchFullAccess", "/", 4, "Provides full access to CloudWatch.",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["autoscaling:Describe*","cloudwatch:*",)"
     R"("logs:*","sns:*","iam:GetPolicy","iam:GetPolicyVersion","iam:GetRole","oam:ListSinks"],"Resource":"*"},)"
     R"({"Effect":"Allow","Action":"iam:CreateServiceLinkedRole",)"
     R"("Resource":"arn:aws:iam::*:role/aws-service-role/events.amazonaws.com/AWSServiceRoleForCloudWatchEvents*",)"
     R"("Condition":{"StringLike":{"iam:AWSServiceName":"events.amazonaws.com"}}},{"Effect":"Allow",)"
     R"("Action":["oam:ListAttachedLinks"],"Resource":"arn:aws:oam:*:*:sink/*"}]})"},
    {"CloudWatchLambdaInsightsExecutionRolePolicy", "/", 1, "Policy required for the Lambda Insights Extension",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"logs:CreateLogGroup","Resource":"*"},)"
     R"({"Effect":"Allow","Action":["logs:CreateLogStream","logs:PutLogEvents"],)"
     R"("Resource":"arn:aws:logs:*:*:log-group:/aws/lambda-insights:*"}]})"},
    {"CloudWatchLogsFullAccess", "/", 8, "Provides full access to CloudWatch Logs",
     R"({"Version":"2012-10-17","Statement":[{"Sid":"CloudWatchLogsFullAccess","Effect":"Allow","Action":["logs:*",)"
     R"("cloudwatch:GenerateQuery","cloudwatch:GenerateQueryResultsSummary","observabilityadmin:GetS3TableIntegration",)"
     R"("observabilityadmin:ListS3TableIntegrations","observabilityadmin:ListTelemetryPipelines"],"Resource":"*"}]})"},
    {"CloudWatchLogsReadOnlyAccess", "/", 12, "Provides read only access to CloudWatch Logs",
     R"({"Version":"2012-10-17","Statement":[{"Sid":"CloudWatchLogsReadOnlyAccess","Effect":"Allow",)"
     R"("Action":["logs:Describe*","logs:Get*","logs:List*","logs:StartQuery","logs:StopQuery","logs:TestMetricFilter",)"
     R"("logs:FilterLogEvents","logs:StartLiveTail","logs:StopLiveTail","cloudwatch:GenerateQuery",)"
     R"("cloudwatch:GenerateQueryResultsSummary","observabilityadmin:ListS3TableIntegrations",)"
     R"("observabilityadmin:GetS3TableIntegration","observabilityadmin:ListTelemetryPipelines"],"Resource":"*"}]})"},
    {"IAMFullAccess", "/", 2, "Provides full access to IAM via the AWS Management Console.",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iam:*","organizations:DescribeAccount",)"
     R"("organizations:DescribeOrganization","organizations:DescribeOrganizationalUnit","organizations:DescribePolicy",)"
     R"("organizations:ListChildren","organizations:ListParents","organizations:ListPoliciesForTarget",)"
     R"("organizations:ListRoots","organizations:ListPolicies","organizations:ListTargetsForPolicy"],"Resource":"*"}]})"},
    {"IAMReadOnlyAccess", "/", 4, "Provides read only access to IAM via the AWS Management Console.",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iam:GenerateCredentialReport",)"
     R"("iam:GenerateServiceLastAccessedDetails","iam:Get*","iam:List*","iam:SimulateCustomPolicy",)"
     R"("iam:SimulatePrincipalPolicy"],"Resource":"*"}]})"},
    {"IAMUserChangePassword", "/", 5, "Provides the ability for an IAM user to change their own password.",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iam:ChangePassword"],)"
     R"("Resource":["arn:aws:iam::*:user/${aws:username}","arn:aws:iam::*:user/*/${aws:username}"]},{"Effect":"Allow",)"
     R"("Action":["iam:GetAccountPasswordPolicy"],"Resource":"*"}]})"},
    {"PowerUserAccess", "/", 12,
     "Provides full access to AWS services and resources, but does not allow management of Users and "
     "groups.",
     R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotAction":["iam:*","organizations:*","account:*"],)"
     R"("Resource":"*"},{"Effect":"Allow","Action":["account:GetAccountInformation",)"
     R"("account:GetGovCloudAccountInformation","account:GetPrimaryEmail","account:ListRegions",)"
     R"("iam:CreateServiceLinkedRole","iam:DeleteServiceLinkedRole","iam:ListRoles",)"
     R"("organizations:DescribeEffectivePolicy","organizations:DescribeOrganization"],"Resource":"*"}]})"},
    {"ReadOnlyAccess", "/", 1, "Provides read-only access to AWS services and resources.",
     R"({"Version":"2012-10-17","Statement":[{"Sid":"ReadOnlyActions","Effect":"Allow","Action":["acm:Describe*",)"
     R"("acm:Get*","acm:List*","apigateway:GET","appsync:Get*","appsync:List*","athena:Batch*","athena:Get*",)"
     R"("athena:List*","autoscaling:Describe*","autoscaling:Get*","cloudformation:Describe*","cloudformation:Detect*",)"
     R"("cloudformation:Estimate*","cloudformation:Get*","cloudformation:List*","cloudformation:ValidateTemplate",)"
     R"("cloudfront:Describe*","cloudfront:Get*","cloudfront:List*","cloudtrail:Describe*","cloudtrail:Get*",)"
     R"("cloudtrail:List*","cloudtrail:LookupEvents","cloudwatch:Describe*","cloudwatch:Get*","cloudwatch:List*",)"
     R"("codebuild:BatchGet*","codebuild:Describe*","codebuild:Get*","codebuild:List*","cognito-identity:Describe*",)"
     R"("cognito-identity:Get*","cognito-identity:List*","cognito-identity:Lookup*","cognito-idp:AdminGet*",)"
     R"("cognito-idp:AdminList*","cognito-idp:Describe*","cognito-idp:Get*","cognito-idp:List*","dynamodb:BatchGet*",)"
     R"("dynamodb:Describe*","dynamodb:Get*","dynamodb:List*","dynamodb:PartiQLSelect","dynamodb:Query","dynamodb:Scan",)"
     R"("ec2:Describe*","ec2:Get*","ec2:List*","ec2:SearchTransitGatewayRoutes","ecr:BatchCheck*","ecr:BatchGet*",)"
     R"("ecr:Describe*","ecr:Get*","ecr:List*","ecs:Describe*","ecs:List*","elasticfilesystem:Describe*",)"
     R"("elasticfilesystem:List*","elasticache:Describe*","elasticache:List*","es:Describe*","es:Get*","es:List*",)"
     R"("events:Describe*","events:List*","events:Test*","firehose:Describe*","firehose:List*","glue:BatchGet*",)"
     R"("glue:Get*","glue:List*","iam:Generate*","iam:Get*","iam:List*","iam:Simulate*","iot:Describe*","iot:Get*",)"
     R"("iot:List*","kinesis:Describe*","kinesis:Get*","kinesis:List*","kms:Describe*","kms:Get*","kms:List*",)"
     R"("lambda:Get*","lambda:List*","logs:Describe*","logs:FilterLogEvents","logs:Get*","logs:List*",)"
     R"("logs:StartLiveTail","logs:StartQuery","logs:StopLiveTail","logs:StopQuery","logs:TestMetricFilter",)"
     R"("pipes:DescribePipe","pipes:ListPipes","pipes:ListTagsForResource","rds:Describe*","rds:Download*","rds:List*",)"
     R"("resource-groups:Get*","resource-groups:List*","resource-groups:SearchResources","route53:Get*","route53:List*",)"
     R"("route53:Test*","s3:Describe*","s3:Get*","s3:List*","scheduler:GetSchedule","scheduler:GetScheduleGroup",)"
     R"("scheduler:ListScheduleGroups","scheduler:ListSchedules","scheduler:ListTagsForResource","schemas:Describe*",)"
     R"("schemas:Get*","schemas:List*","schemas:Search*","secretsmanager:Describe*","secretsmanager:GetResourcePolicy",)"
     R"("secretsmanager:List*","servicequotas:Get*","servicequotas:List*","ses:BatchGetMetricData","ses:Describe*",)"
     R"("ses:Get*","ses:List*","sns:Check*","sns:Get*","sns:List*","sqs:Get*","sqs:List*","sqs:Receive*",)"
     R"("ssm:Describe*","ssm:Get*","ssm:List*","states:Describe*","states:GetExecutionHistory","states:List*",)"
     R"("states:ValidateStateMachineDefinition","sts:GetAccessKeyInfo","sts:GetCallerIdentity","sts:GetSessionToken",)"
     R"("tag:DescribeReportCreation","tag:Get*","waf:Get*","waf:List*","wafv2:CheckCapacity","wafv2:Describe*",)"
     R"("wafv2:Get*","wafv2:List*","xray:BatchGet*","xray:Get*","xray:ListResourcePolicies","xray:ListTagsForResource"],)"
     R"("Resource":"*"}]})"},
};

constexpr std::string_view kPrefix = "arn:aws:iam::aws:policy";

}  // namespace

std::span<const AwsPolicy> aws_policies() { return kPolicies; }

const AwsPolicy* find_aws_policy(std::string_view arn) {
  if (!arn.starts_with(kPrefix)) return nullptr;
  const auto rest = arn.substr(kPrefix.size());
  const auto name = rest.substr(rest.rfind('/') + 1);
  const auto found = std::ranges::lower_bound(kPolicies, name, {}, &AwsPolicy::name);
  if (found == std::end(kPolicies) || found->name != name) return nullptr;
  return rest.substr(0, rest.size() - name.size()) == found->path ? found : nullptr;
}

std::string aws_policy_arn(const AwsPolicy& policy) {
  return std::string(kPrefix) + std::string(policy.path) + std::string(policy.name);
}

}  // namespace lambari::iam
